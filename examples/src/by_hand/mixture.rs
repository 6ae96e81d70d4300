//! A mixture of Gaussians.

/// The log-likelihood of points under `k` Gaussians in `d` dimensions, less a prior's penalty, and its gradient.
/// Parameters are those of [`Gaussians::new`](crate::problems::Gaussians::new).
pub fn mixture(x: &[f64], points: &[f64], [d, k]: [usize; 2], [gamma, m]: [f64; 2]) -> (f64, Vec<f64>) {
    let (logits, rest) = x.split_at(k);
    let (means, rest) = rest.split_at(k * d);
    let (logs, triangles) = rest.split_at(k * d);
    let size = d * (d - 1) / 2;
    let scales: Vec<f64> = logs.iter().map(|q| q.exp()).collect();
    let volumes: Vec<f64> = logs.chunks(d).map(|q| q.iter().sum()).collect();
    let mut gradient = vec![0.0; x.len()];
    let (logits_bar, rest) = gradient.split_at_mut(k);
    let (means_bar, rest) = rest.split_at_mut(k * d);
    let (logs_bar, triangles_bar) = rest.split_at_mut(k * d);
    let (mut centred, mut whitened) = (vec![0.0; k * d], vec![0.0; k * d]);
    let (mut exponents, mut back) = (vec![0.0; k], vec![0.0; d]);
    let mut total = 0.0;
    for point in points.chunks(d) {
        for g in 0..k {
            let (c, w) = (&mut centred[g * d..][..d], &mut whitened[g * d..][..d]);
            for i in 0..d {
                c[i] = point[i] - means[g * d + i];
                w[i] = scales[g * d + i] * c[i];
            }
            let mut entries = triangles[g * size..][..size].iter();
            for j in 0..d {
                w[j + 1..].iter_mut().zip(entries.by_ref()).for_each(|(w, entry)| *w += entry * c[j]);
            }
            exponents[g] = logits[g] + volumes[g] - 0.5 * w.iter().map(|w| w * w).sum::<f64>();
        }
        let (value, shares) = super::log_sum_exp(&exponents);
        total += value;
        for (g, share) in shares.into_iter().enumerate() {
            logits_bar[g] += share;
            let (c, w) = (&centred[g * d..][..d], &whitened[g * d..][..d]);
            for i in 0..d {
                let w_bar = -share * w[i];
                back[i] = scales[g * d + i] * w_bar;
                logs_bar[g * d + i] += share + w_bar * scales[g * d + i] * c[i];
            }
            let (mut entries, mut bars) =
                (triangles[g * size..][..size].iter(), triangles_bar[g * size..][..size].iter_mut());
            for j in 0..d {
                let mut sum = 0.0;
                for ((w, entry), bar) in w[j + 1..].iter().zip(entries.by_ref()).zip(bars.by_ref()) {
                    let w_bar = -share * w;
                    *bar += w_bar * c[j];
                    sum += w_bar * entry;
                }
                back[j] += sum;
            }
            means_bar[g * d..][..d].iter_mut().zip(&back).for_each(|(bar, back)| *bar -= back);
        }
    }
    let (normal, shares) = super::log_sum_exp(logits);
    let n = (points.len() / d) as f64;
    total -= n * normal;
    logits_bar.iter_mut().zip(shares).for_each(|(bar, share)| *bar -= n * share);
    for (bar, scale) in logs_bar.iter_mut().zip(&scales) {
        *bar += m - gamma * gamma * scale * scale;
    }
    triangles_bar.iter_mut().zip(triangles).for_each(|(bar, entry)| *bar -= gamma * gamma * entry);
    let squares: f64 = scales.iter().chain(triangles).map(|x| x * x).sum();
    (total - 0.5 * gamma * gamma * squares + m * volumes.iter().sum::<f64>(), gradient)
}
