//! A chain of products and sums, each of what is before it.

use ad_core::{Error, Result, Tape};

use super::steps::Steps;

/// How many steps of the chain a tape has, line by line.
const LINKS: usize = 100;

/// `y <- y a + b`, many times, from the inputs `a`, `b` and the first `y`. No array has more than one number: what a line costs
/// beside its elements is all that is seen here, and numbers that carry derivatives are five times as fast.
pub struct Chain {
    each: Steps,
    steps: usize,
}

impl Chain {
    /// Of so many steps, in tapes of a hundred of them.
    ///
    /// # Errors
    /// Where hundreds do not make the steps up.
    pub fn new(steps: usize) -> Result<Self> {
        if !steps.is_multiple_of(LINKS) {
            return Err(Error::new(format!("a chain has hundreds of steps, not {steps}")));
        }
        let links = Tape::record(|t| {
            let (x, y) = (t.shared("x", &[2]), t.shared("state", &[]));
            let (a, b) = (x.at(0, 0), x.at(0, 1));
            [("after", (0..LINKS).fold(y, |y, _| y * &a + &b))]
        })?;
        Ok(Chain { each: Steps::new(&links)?, steps })
    }

    /// The value and the gradient.
    ///
    /// # Errors
    /// Those of a program's call; three numbers are what it wants.
    pub fn gradient(&mut self, x: &[f64; 3]) -> Result<(f64, Vec<f64>)> {
        let all = self.each.gradient(&x[..2], &x[2..], self.steps / LINKS, &[1.0])?;
        Ok((all.states[all.states.len() - 1], [all.x_bar, all.state_bar].concat()))
    }
}
