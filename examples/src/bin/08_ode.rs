//! 8. Differential equations, each example at its own pace.
//!
//! A [`System`] is a tape that gives the rates of some states; an [`Ode`] integrates it with a Runge-Kutta method and a
//! step control. One step is itself a recorded tape. A batch steps together, and yet each example has its own time and
//! step length, and accepts or rejects by its own error: an example is as cheap, and has the same bits, as it would alone.
//!
//! The system here is `x' = x^2`. From `x(0) = a` it reaches `a / (1 - a t)`, and infinity at `t = 1 / a`: an example
//! with `a > 1` cannot come to `t = 1`. That is no error of the batch but the *outcome* of that example.

use ad_core::{Elementary, Tape};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::tableaus::TSIT5;
use flows::ode::{Ode, System};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rates = Tape::record(|t| [("x_dot", t.example("x", &[]).square())])?;
    let control = Control::Adaptive(Adaptive::pi(1e-9, 1e-9));
    let ode = Ode::<f64>::new(&System::new(rates, &["x"])?, &TSIT5, control)?;
    let bound = ode.bind(&[])?; // it has no parameters

    let starts = [-3.0, 0.0, 0.5, 0.9, 0.99, 2.0];
    let batch = ode.solve(&bound, &[&starts], &[], [0.0, 1.0])?;

    println!("{:>6} {:>14} {:>10} {:>6} {:>9}  outcome", "x(0)", "x(1)", "error", "steps", "rejected");
    for (e, &start) in starts.iter().enumerate() {
        let end = batch.states[0][e];
        let alone = ode.solve(&bound, &[&[start]], &[], [0.0, 1.0])?;
        assert_eq!(
            alone.states[0][0].to_bits(),
            end.to_bits(),
            "the solve from {start} depends on its batch"
        );

        let (steps, rejected) = (alone.statistics.accepted, alone.statistics.rejected);
        match batch.outcomes[e] {
            Ok(()) => {
                let exact = start / (1.0 - start);
                let error = (end - exact).abs() / (1.0 + exact.abs());
                println!("{start:>6} {end:>14.9} {error:>10.1e} {steps:>6} {rejected:>9}  done");
                assert!(error < 1e-7, "from {start} the end is {exact}, not {end}");
            }
            Err(failure) => {
                println!("{start:>6} {:>14} {:>10} {steps:>6} {rejected:>9}  {failure}", "-", "-");
                assert!(start > 1.0, "the solve from {start} failed: {failure}");
            }
        }
    }
    let failed = batch.outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!(failed, 1, "one start lies beyond 1, and {failed} solves failed");
    Ok(())
}
