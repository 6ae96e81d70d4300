use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde_json::{Map, Value, json};

use crate::clock::Timing;

/// Times fixed jobs; prints one JSON object a line.
#[derive(Clone, Debug, Parser)]
#[command(name = "bench")]
pub(crate) struct Arguments {
    /// The job.
    #[arg(value_enum, ignore_case = true)]
    pub(crate) letter: Letter,
    /// A folder of safetensors files with weights, points and probes; without it they come from seeds.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) inputs: Option<PathBuf>,
    /// The precision.
    #[arg(long, value_enum, default_value = "f32")]
    pub(crate) dtype: Precision,
    /// Threads.
    #[arg(long, default_value = "1")]
    pub(crate) threads: usize,
    /// Dimensions of A, B, C and R.
    #[arg(long, value_delimiter = ',', default_value = "2,8,32,128,512")]
    pub(crate) dims: Vec<usize>,
    /// Points of B, C and R.
    #[arg(long, default_value = "256")]
    pub(crate) batch: usize,
    /// Seconds of timing for each case.
    #[arg(long, value_name = "SECONDS", default_value = "0.5")]
    pub(crate) budget: f64,
    /// States that `checkpointed` of G keeps of each example: more cost memory, fewer cost time.
    #[arg(long, default_value = "1000")]
    pub(crate) slots: usize,
    /// Only these cases; all without it.
    #[arg(long, value_name = "CASE", value_delimiter = ',')]
    pub(crate) case: Vec<String>,
    /// For a process that measures itself: what its parent tells it.
    #[arg(long, hide = true)]
    pub(crate) child: Option<String>,
}

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum Letter {
    A,
    B,
    C,
    D,
    G,
    H,
    R,
}

/// A precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    F32,
    F64,
}

impl Arguments {
    /// Whether a case is asked for.
    pub(crate) fn wants(&self, case: &str) -> bool {
        self.case.is_empty() || self.case.iter().any(|c| c == case)
    }

    pub(crate) fn budget(&self) -> Duration {
        Duration::try_from_secs_f64(self.budget).unwrap_or_default()
    }

    /// The keys that all rows begin with.
    pub(crate) fn row(&self, case: &str) -> Map<String, Value> {
        let letter = format!("{:?}", self.letter);
        let dtype = if self.dtype == Precision::F32 { "f32" } else { "f64" };
        let row = json!({
            "exp": letter, "peer": "ours", "case": case, "dtype": dtype, "threads": self.threads,
        });
        if let Value::Object(row) = row { row } else { Map::new() }
    }

    /// Prints one row: the common keys, those of the case, and the times.
    pub(crate) fn print(&self, case: &str, own: Value, timing: Option<&Timing>) {
        let mut row = self.row(case);
        if let Value::Object(own) = own {
            row.extend(own);
        }
        if let Some(t) = timing {
            let times = [("median", t.median), ("p25", t.p25), ("p75", t.p75), ("min", t.min)];
            row.extend(times.map(|(key, seconds)| (key.to_owned(), json!(seconds))));
            row.insert("n".into(), json!(t.n));
        }
        println!("{}", Value::Object(row));
    }
}
