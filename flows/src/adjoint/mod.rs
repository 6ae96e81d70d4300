//! stub

pub mod schedule;
