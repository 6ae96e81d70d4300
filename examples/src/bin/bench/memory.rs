//! G: memory and time of the gradient through many Runge-Kutta steps, each case in a process of its own.

use std::process::Command;
use std::time::Instant;

use flows::STATE;
use flows::adjoint::{Adjoint, OdeVjp};
use flows::ode::System;
use flows::ode::controller::Control;
use flows::ode::tableaus::RK4;
use serde_json::json;

use crate::arguments::Arguments;
use crate::clock::{peak_mib, resident_mib};
use crate::inputs::Inputs;
use crate::{Result, case};

const DIMS: usize = 6;
const BATCH: usize = 64;
const STEPS: [usize; 2] = [1000, 10_000];
const CASES: [&str; 2] = ["checkpointed", "store_all"];

pub(crate) fn run<T: case::Float>(arguments: &Arguments) -> Result<()> {
    if let Some(child) = &arguments.child {
        return one::<T>(arguments, child.parse()?);
    }
    for steps in STEPS {
        for name in CASES.iter().filter(|name| arguments.wants(name)) {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(std::env::args_os().skip(1));
            let status = command.args(["--case", name, "--child", &steps.to_string()]).status()?;
            if !status.success() {
                return Err(format!("the process for {name}, {steps} steps, ended with {status}").into());
            }
        }
    }
    Ok(())
}

/// One case, in this process.
fn one<T: case::Float>(arguments: &Arguments, steps: usize) -> Result<()> {
    let name = arguments.case.last().ok_or("no case is named")?;
    let adjoint = match &name[..] {
        "store_all" => Adjoint::StoreAll,
        _ => Adjoint::Checkpointed { slots: arguments.slots },
    };
    let inputs = match &arguments.inputs {
        Some(folder) => Inputs::read(folder, "g6", DIMS, BATCH, &["x"])?,
        None => Inputs::from_seeds(DIMS, BATCH)?,
    };
    let system = System::new(inputs.field.tape().clone(), &[STATE])?;
    let vjp = OdeVjp::<T>::new(&system, &RK4, Control::Constant { steps }, adjoint)?;
    let parameters = inputs.weights.cast::<T>();
    let parameters: Vec<&[T]> = parameters.iter().map(|a| &a[..]).collect();

    let before = resident_mib()?;
    let (mut value, mut seconds) = (0.0, Vec::new());
    for _ in 0..3 {
        let start = Instant::now();
        let bound = vjp.bind(&parameters)?;
        let solved = vjp.solve(&bound, &[&inputs.points], &[], [0.0, 1.0])?;
        let end = &solved.solution().states[0];
        value = end.iter().map(|x| x * x).sum();
        let bar: Vec<f64> = end.iter().map(|x| 2.0 * x).collect();
        vjp.pull_back(&bound, solved, &[&bar])?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let peak = peak_mib()?;
    let own = json!({
        "d": DIMS, "batch": BATCH, "steps": steps, "value": value, "delta_mib": peak - before,
        "grad_s": seconds.iter().fold(f64::INFINITY, |a, &b| a.min(b)), "times": seconds,
        "rss_before": before, "rss_peak": peak,
    });
    arguments.print(name, own, None);
    Ok(())
}
