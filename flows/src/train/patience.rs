/// Keeps the least loss and says when it has been out of reach for too long.
///
/// ```
/// use flows::train::Patience;
/// let mut patience = Patience::new(2);
/// assert!(patience.improves(3.0));
/// assert!(!patience.improves(3.5) && !patience.is_over());
/// assert!(!patience.improves(3.0) && patience.is_over());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    epochs: usize,
    best: f64,
    waited: usize,
}

impl Patience {
    /// Waits for `epochs` epochs without a better loss.
    pub fn new(epochs: usize) -> Self {
        Self { epochs, best: f64::INFINITY, waited: 0 }
    }

    /// Takes the loss of an epoch and says whether it is less than all before. NaN never is.
    pub fn improves(&mut self, loss: f64) -> bool {
        let better = loss < self.best;
        if better {
            (self.best, self.waited) = (loss, 0);
        } else {
            self.waited += 1;
        }
        better
    }

    /// Whether as many epochs as allowed have passed since the best.
    pub fn is_over(&self) -> bool {
        self.waited >= self.epochs
    }
}
