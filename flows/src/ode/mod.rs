//! stub

pub mod controller;
pub mod tableau;
pub mod tableaus;
