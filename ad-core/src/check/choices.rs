//! Where random decisions come from: a seed, or the bytes of a fuzzer.

/// A source of decisions. Bytes that have run out are zeros, and zero is the simplest choice, so that less input makes
/// a smaller example.
#[derive(Clone, Debug)]
pub struct Choices<'a> {
    source: Source<'a>,
}

#[derive(Clone, Debug)]
enum Source<'a> {
    Seed(u64),
    Bytes(&'a [u8]),
}

impl<'a> Choices<'a> {
    /// Endless choices; the same seed, the same choices.
    pub fn from_seed(seed: u64) -> Self {
        Choices { source: Source::Seed(seed) }
    }

    /// Choices read from bytes, then zeros.
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Choices { source: Source::Bytes(bytes) }
    }

    /// 64 bits: of a seed the next number (`SplitMix64`; Steele, Lea, Flood 2014), of bytes the next one.
    pub fn word(&mut self) -> u64 {
        match &mut self.source {
            Source::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^ (z >> 31)
            }
            Source::Bytes(bytes) => match bytes.split_first() {
                Some((&first, rest)) => {
                    *bytes = rest;
                    first.into()
                }
                None => 0,
            },
        }
    }

    /// A number below `n` (0 if `n` is 0).
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.word() % n as u64) as usize }
    }

    /// One of some items.
    ///
    /// # Panics
    /// Where there are none.
    pub fn pick<'b, T>(&mut self, items: &'b [T]) -> &'b T {
        &items[self.below(items.len())]
    }

    /// A number in `low .. high`, from 53 random bits of a seed, or one of 256 of a byte.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit = match self.source {
            Source::Seed(_) => (self.word() >> 11) as f64 / (1_u64 << 53) as f64,
            Source::Bytes(_) => self.word() as f64 / 256.0,
        };
        low + (high - low) * unit
    }
}
