//! Sums of many terms.

/// `ln sum e^x` and its gradient.
pub fn log_sum_exp(x: &[f64]) -> (f64, Vec<f64>) {
    let greatest = x.iter().fold(f64::NEG_INFINITY, |greatest, &x| if greatest < x { x } else { greatest });
    let mut gradient: Vec<f64> = x.iter().map(|x| (x - greatest).exp()).collect();
    let sum: f64 = gradient.iter().sum();
    for g in &mut gradient {
        *g /= sum;
    }
    (sum.ln() + greatest, gradient)
}

/// Half the squared distance of a polynomial from the sign on `n` points of [-1, 1], and its gradient.
pub fn least_squares(x: &[f64], n: usize) -> (f64, Vec<f64>) {
    let mut gradient = vec![0.0; x.len()];
    let mut powers = vec![0.0; x.len()];
    let mut sum = 0.0;
    for i in 0..n {
        let t = -1.0 + i as f64 * 2.0 / (n as f64 - 1.0);
        let (mut rest, mut power) = (if t == 0.0 { 0.0 } else { t.signum() }, 1.0);
        for (own, x) in powers.iter_mut().zip(x) {
            *own = power;
            rest -= x * power;
            power *= t;
        }
        sum += rest * rest;
        gradient.iter_mut().zip(&powers).for_each(|(g, power)| *g -= rest * power);
    }
    (0.5 * sum, gradient)
}
