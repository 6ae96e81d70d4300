use ad_ops::random::Purpose;
use rand::seq::SliceRandom;

/// The examples of one epoch in random order, cut into batches of one size.
///
/// The same seed and epoch give the same batches. What is left when the batches are full waits for another epoch; only
/// where there are fewer examples than a batch holds is there one short batch, of all of them.
///
/// ```
/// use flows::train::Batches;
/// let batches = Batches::new(10, 4, 7, 1);
/// assert_eq!(batches.iter().map(<[usize]>::len).collect::<Vec<_>>(), [4, 4]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batches {
    order: Vec<usize>,
    size: usize,
}

impl Batches {
    /// Shuffles the numbers `0..examples` and cuts them into batches of `size`, taken as at least 1.
    pub fn new(examples: usize, size: usize, seed: u64, epoch: u32) -> Self {
        let mut order: Vec<usize> = (0..examples).collect();
        order.shuffle(&mut Purpose::Shuffle.stream(seed, epoch, 0));
        Self { order, size: size.clamp(1, examples.max(1)) }
    }

    /// The batches, each as numbers of examples.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[usize]> {
        self.order.chunks_exact(self.size)
    }

    /// How many batches an epoch has.
    pub fn count(examples: usize, size: usize) -> usize {
        examples / size.clamp(1, examples.max(1))
    }
}
