//! The tutorial: numbered programs, one idea each, in the order in which to read them.
//!
//! Run one with `cargo run --release -p examples --bin 01_derivative`. Each begins with a text, prints what it shows, and
//! ends with an error if what it says is not so.
//!
//! | program | idea |
//! |---|---|
//! | `01_derivative` | a function, its tape, and its derivative |
//! | `02_reverse` | the gradient of a loss: shared inputs collect the sum over the examples |
//! | `03_batches` | a tape made to run: blocks, threads, and bits that do not depend on either |
//! | `04_higher_order` | derivatives of derivatives: Hessians and their products |
//! | `05_check` | whether a derivative is one |
//! | `06_divergence` | the exact divergence, and what is not computed for it |
//! | `07_hutchinson` | a divergence by chance, and its variance |
//! | `08_ode` | differential equations, each example at its own pace |
//! | `09_adjoint` | the gradient through a solve |
//! | `10_flow_by_closure` | a flow whose field is your own closure, on your own data |
//! | `11_conditional` | a density that depends on a context |
//! | `12_cheapest_route` | the exact divergence for less than a random probe: the order of its products is planned |
//! | `13_scalars` | numbers that carry derivatives, for code that branches |
//!
//! `hutchinson` is a notebook on Hutchinson's estimator, section by section; it writes a page with plots.
//! `hutch_pp_training` trains flows by it, by Hutch++ and by the exact divergence: in the plane all train alike. The tables are at
//! the top of its source.
//! `trace_tables` runs published tables of trace estimators again, from any seed, and holds each figure against its band.
//! `bench_scalar` measures gradients of scalar code on the ten [`problems`]; `gradbench` is a tool for the suite of that name.
//! What is made of arrays is a tape in both ([`tapes`]), with its gradient by hand beside it ([`by_hand`]).
//! `ulps` measures the error of every elementary function, as programs compute it.

pub mod by_hand;
pub mod problems;
pub mod reference;
pub mod tapes;

/// How a program ends: with success, or with what went wrong on standard error and 2.
pub fn exit<E: std::fmt::Display>(program: &str, outcome: Result<(), E>) -> std::process::ExitCode {
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            std::process::ExitCode::from(2)
        }
    }
}

/// The code in the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
