//! H: from the start of the process to the first loss and the first gradient of a training step: moons, exact
//! divergence, 256 points.
//!
//! The parent notes the time when it starts a child, and the child reads the same clock.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::network::exact;
use crate::training::{BATCH, DATA, EVALUATIONS, METHODS, Training, inputs};
use crate::{Result, case};

const CHILDREN: usize = 9;
const STAGES: [&str; 3] = ["import", "loss", "grad"];

pub(crate) fn run<T: case::Float>(arguments: &Arguments) -> Result<()> {
    if let Some(child) = &arguments.child {
        return one::<T>(arguments, child.parse()?);
    }
    let mut rows: Vec<Value> = Vec::new();
    for _ in 0..CHILDREN {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(std::env::args_os().skip(1)).arg("--child");
        let output = command.arg(now()?.to_string()).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        rows.push(serde_json::from_slice(&output.stdout)?);
    }
    let mut own = json!({ "value": rows[0]["value"], "d": DATA[0].1, "batch": BATCH, "n": CHILDREN });
    for stage in STAGES {
        let mut seconds: Vec<f64> = rows.iter().filter_map(|row| row[stage].as_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        own[stage] = json!(seconds[seconds.len() / 2]);
        own[format!("{stage}_all")] = json!(seconds);
    }
    arguments.print("whole_process", own, None);
    Ok(())
}

/// What a child does; `start` is when its parent started it.
fn one<T: case::Float>(arguments: &Arguments, start: f64) -> Result<()> {
    let import = now()? - start;
    let training = Training::<T>::new(inputs(arguments, DATA[0])?, METHODS[0], exact(BATCH, EVALUATIONS))?;
    let value = training.loss()?;
    let loss = now()? - start;
    training.step()?;
    let grad = now()? - start;
    println!("{}", json!({ "value": value, "import": import, "loss": loss, "grad": grad }));
    Ok(())
}

/// Seconds since 1970.
fn now() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64())
}
