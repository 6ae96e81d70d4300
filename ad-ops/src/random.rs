//! Counter-based random streams: the same seed and the same name give the same bits, on any thread and in any
//! order.
//!
//! A [`Stream`] is not advanced through one long sequence that all users share. It is *named*, by a seed and
//! three words such as (purpose, step, example), and every name has a sequence of its own, which costs
//! nothing to open. So example 17 of step 3 gets its numbers whoever computes it and whenever.
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: *Parallel Random Numbers: As Easy as 1, 2, 3*,
//! SC11, 2011): a keyed bijection of 128-bit blocks. The key is the seed; a block's four words are the three
//! words of the name and the number of the draw. Within one seed no two names can therefore ever produce the
//! same block at the same place.
//!
//! ```
//! use ad_ops::random::Purpose;
//!
//! let mut here = Purpose::Probe.stream(42, 3, 17);
//! let mut there = Purpose::Probe.stream(42, 3, 17);
//! assert_eq!(here.standard_normal(), there.standard_normal());
//! ```

use rand::rand_core::utils::{fill_bytes_via_next_word, next_u64_via_u32};
use rand::{Rng, TryRng};
use rand_distr::{Distribution, StandardNormal};
use std::convert::Infallible;

/// What a stream is for: the first word of its name, so that no two uses share numbers.
///
/// The values are fixed for good: they decide which bits a seed gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Purpose {
    /// Rows of a generated data set.
    Data = 0,
    /// Rows of the same distribution that no training has seen.
    FreshData = 1,
    /// Which rows train, validate and test.
    Split = 2,
    /// Initial weights.
    Init = 3,
    /// The order of examples within an epoch.
    Shuffle = 4,
    /// Probes of a stochastic trace.
    Probe = 5,
    /// Draws from a model's base density.
    Sample = 6,
    /// Constants that were drawn once and for all.
    Constant = 7,
    /// Seeds of solves whose steps each draw probes of their own.
    Solve = 8,
    /// Random rows of a sketch, which may not be those of probes.
    Sketch = 9,
    /// Vectors by which an automatic choice measures a map.
    Measure = 10,
}

impl Purpose {
    /// The stream of this purpose for one step and one example; whoever has no steps or no examples says 0.
    pub fn stream(self, seed: u64, step: u32, example: u32) -> Stream {
        Stream::new(seed, [self as u32, step, example])
    }
}

/// The random numbers of one name.
///
/// Implements rand's infallible [`Rng`], so every distribution of `rand` and `rand_distr` draws from it. A
/// clone continues with the same numbers as its original. A stream holds 2^34 words and then starts again.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    /// The block that comes next: the three words of the name, then the number of the block.
    counter: [u32; 4],
    block: [u32; 4],
    /// Words of `block` already given out.
    used: usize,
}

impl Stream {
    /// The stream named `id` under `seed`. Computes nothing yet.
    ///
    /// [`Purpose::stream`] names streams such that different uses cannot meet.
    pub fn new(seed: u64, id: [u32; 3]) -> Self {
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            counter: [id[0], id[1], id[2], 0],
            block: [0; 4],
            used: 4,
        }
    }

    /// A number uniform in [0, 1): a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * STEP
    }

    /// A draw from the standard normal distribution.
    pub fn standard_normal(&mut self) -> f64 {
        StandardNormal.sample(self)
    }

    /// +1 or -1 with equal probability (Rademacher).
    pub fn sign(&mut self) -> f64 {
        if self.next_u32() >> 31 == 0 { 1.0 } else { -1.0 }
    }

    fn next_word(&mut self) -> u32 {
        if self.used == self.block.len() {
            self.block = philox(self.counter, self.key);
            self.counter[3] = self.counter[3].wrapping_add(1);
            self.used = 0;
        }
        let word = self.block[self.used];
        self.used += 1;
        word
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        next_u64_via_u32(self)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill_bytes_via_next_word(bytes, || self.try_next_u32())
    }
}

/// Philox4x32-10: the bijection of `counter` that `key` selects.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const ROUNDS: usize = 10;
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for _ in 0..ROUNDS {
        counter = round(counter, key);
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

fn round([a, b, c, d]: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIER: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    let left = MULTIPLIER[0] * u64::from(a);
    let right = MULTIPLIER[1] * u64::from(c);
    [(right >> 32) as u32 ^ b ^ key[0], right as u32, (left >> 32) as u32 ^ d ^ key[1], left as u32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rows `philox4x32 10` of `tests/kat_vectors` in Random123, the authors' own distribution.
    #[test]
    fn known_answers() {
        let answers = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, answer) in answers {
            assert_eq!(philox(counter, key), answer);
        }
    }

    /// Fixes the bits of a release: how words become floats and normals may not drift with a dependency.
    #[test]
    fn pinned_draws() {
        let mut stream = Purpose::Data.stream(2011, 1, 2);
        let draws = [stream.uniform(), stream.standard_normal(), stream.standard_normal(), stream.sign()];
        assert_eq!(draws, [0.524_540_519_562_213_1, 1.194_599_310_066_584_2, -0.399_069_748_995_401_9, 1.0]);
    }

    /// Mean, variance and lag-one correlation of `values` lie within six standard errors of what they should
    /// be.
    fn assert_moments(values: &[f64], mean: f64, variance: f64, fourth: f64) {
        let n = values.len() as f64;
        let average = |f: &dyn Fn(f64) -> f64| values.iter().map(|&v| f(v - mean)).sum::<f64>() / n;
        let lagged = values.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>() / (n - 1.0);
        assert!(average(&|v| v).abs() < 6.0 * (variance / n).sqrt());
        assert!((average(&|v| v * v) - variance).abs() <= 6.0 * ((fourth - variance * variance) / n).sqrt());
        assert!(lagged.abs() < 6.0 * variance / n.sqrt());
    }

    #[test]
    fn moments_along_a_stream_and_across_streams() {
        let draw = |f: fn(&mut Stream) -> f64, (mean, variance, fourth): (f64, f64, f64)| {
            let mut one = Purpose::Sample.stream(5, 0, 0);
            let along: Vec<f64> = (0..100_000).map(|_| f(&mut one)).collect();
            assert_moments(&along, mean, variance, fourth);
            for word in 0..3 {
                let name = |i| std::array::from_fn(|k| if k == word { i } else { 7 });
                let across: Vec<f64> = (0..100_000).map(|i| f(&mut Stream::new(5, name(i)))).collect();
                assert_moments(&across, mean, variance, fourth);
            }
            let seeds: Vec<f64> = (0..100_000).map(|seed| f(&mut Stream::new(seed, [0; 3]))).collect();
            assert_moments(&seeds, mean, variance, fourth);
        };
        draw(Stream::uniform, (0.5, 1.0 / 12.0, 1.0 / 80.0));
        draw(Stream::standard_normal, (0.0, 1.0, 3.0));
        draw(Stream::sign, (0.0, 1.0, 1.0));
    }

    proptest! {
        /// Philox is a bijection for each key, so two names of one seed differ in every block.
        #[test]
        fn names_never_share_a_block(seed: u64, a: [u32; 3], b: [u32; 3], skip in 0usize..20) {
            prop_assume!(a != b);
            let block = |id| {
                let mut stream = Stream::new(seed, id);
                for _ in 0..4 * skip {
                    stream.next_u32();
                }
                std::array::from_fn::<u32, 4, _>(|_| stream.next_u32())
            };
            prop_assert_ne!(block(a), block(b));
        }

        /// All ways of drawing read the same words, low word first.
        #[test]
        fn one_sequence_of_words(seed: u64, id: [u32; 3], skip in 0usize..9) {
            let mut words = Stream::new(seed, id);
            for _ in 0..skip {
                words.next_u32();
            }
            let (mut wide, mut bytes) = (words.clone(), words.clone());
            let expected: Vec<u32> = (0..8).map(|_| words.next_u32()).collect();
            for pair in expected.chunks(2) {
                prop_assert_eq!(wide.next_u64(), u64::from(pair[0]) | u64::from(pair[1]) << 32);
            }
            let mut filled = [0; 32];
            bytes.fill_bytes(&mut filled);
            prop_assert_eq!(filled.to_vec(), expected.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>());
        }

        /// The three words of a name and both halves of the seed all count.
        #[test]
        fn every_word_of_a_name_counts(seed: u64, id: [u32; 3], bit in 0usize..160) {
            let (mut other_seed, mut other_id) = (seed, id);
            if bit < 64 { other_seed ^= 1 << bit } else { other_id[(bit - 64) / 32] ^= 1 << (bit % 32) }
            prop_assert_ne!(Stream::new(seed, id).next_u64(), Stream::new(other_seed, other_id).next_u64());
        }
    }
}
