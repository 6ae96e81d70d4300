//! Gradients as one writes them by hand, for plain loops: what a tape's gradient is compared with.
//!
//! They keep what the value has computed and use it again, and their loops run as the ones of the
//! [`problems`](crate::problems) do.

mod clusters;
mod mixture;
mod recurrent;
mod sums;

pub use clusters::{clusters, nearest};
pub use mixture::mixture;
pub use recurrent::recurrent;
pub use sums::{least_squares, log_sum_exp};
