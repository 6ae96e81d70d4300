//! Orthonormal rows, for a block of examples side by side.

use ad_core::Element;
use pulp::Arch;

/// Examples that are worked on together: some registers, one cache line of `f32`.
const WIDTH: usize = 16;

/// Makes `rows` vectors of `dim` numbers orthonormal, for each example of a block by itself: element `i` of row `r` of
/// example `e` is at `(r * dim + i) * stride + e`, as values lie in a [`Workspace`](ad_core::Workspace). All `stride`
/// examples are worked on.
///
/// Gram-Schmidt, twice over, which is orthogonal to rounding (Giraud, Langou, Rozloznik: *The loss of orthogonality in
/// the Gram-Schmidt orthogonalization process*, 2005). A row that lies in the span of those before it, to rounding,
/// becomes zero: it then adds nothing to a projection, so that a basis of too low a rank is one of fewer rows.
///
/// # Errors
/// Where `vectors` does not have `rows * dim * stride` elements.
pub fn orthonormalise<T: Element>(
    vectors: &mut [T],
    rows: usize,
    dim: usize,
    stride: usize,
) -> ad_core::Result<()> {
    if vectors.len() != rows * dim * stride {
        let message = format!(
            "{rows} rows of {dim} numbers for {stride} examples are {} elements, {} were given",
            rows * dim * stride,
            vectors.len()
        );
        return Err(ad_core::Error::new(message));
    }
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let whole = stride / WIDTH * WIDTH;
            for lane in (0..whole).step_by(WIDTH) {
                Group::<WIDTH> { dim, stride, lane }.orthonormalise(vectors, rows);
            }
            for lane in whole..stride {
                Group::<1> { dim, stride, lane }.orthonormalise(vectors, rows);
            }
        },
    );
    Ok(())
}

/// `W` examples side by side, from `lane` on.
#[derive(Clone, Copy)]
struct Group<const W: usize> {
    dim: usize,
    stride: usize,
    lane: usize,
}

#[allow(clippy::inline_always, reason = "must be compiled for the instruction level of the caller")]
impl<const W: usize> Group<W> {
    #[inline(always)]
    fn orthonormalise<T: Element>(self, vectors: &mut [T], rows: usize) {
        let row = self.dim * self.stride;
        // What is left of a row that lies in the span of the others is rounding errors of so many terms.
        let tolerance = T::epsilon() * T::from_f64(8.0 * (self.dim as f64).sqrt());
        for k in 0..rows {
            let (done, rest) = vectors.split_at_mut(k * row);
            let v = &mut rest[..row];
            let whole = self.square(v);
            for _ in 0..2 {
                let mut done = &done[..];
                while !done.is_empty() {
                    let some = done.len().min(4 * row);
                    match some / row {
                        1 => self.project::<T, 1>(&done[..some], v),
                        2 => self.project::<T, 2>(&done[..some], v),
                        3 => self.project::<T, 3>(&done[..some], v),
                        _ => self.project::<T, 4>(&done[..some], v),
                    }
                    done = &done[some..];
                }
            }
            let left = self.square(v);
            let mut scale = [T::zero(); W];
            for (scale, (&left, &whole)) in scale.iter_mut().zip(left.iter().zip(&whole)) {
                let gone = left <= tolerance * tolerance * whole;
                *scale = if gone { T::zero() } else { left.sqrt().recip() };
            }
            for i in (0..row).step_by(self.stride) {
                for (x, &scale) in v[i + self.lane..][..W].iter_mut().zip(&scale) {
                    // Not `0 * x`, which is no number where `x` is infinite.
                    *x = if scale == T::zero() { T::zero() } else { *x * scale };
                }
            }
        }
    }

    /// Takes off `v` its part along `N` orthonormal rows.
    #[inline(always)]
    fn project<T: Element, const N: usize>(self, rows: &[T], v: &mut [T]) {
        let row = self.dim * self.stride;
        let mut along = [[T::zero(); W]; N];
        for i in (0..row).step_by(self.stride) {
            let x = &v[i + self.lane..][..W];
            for (n, along) in along.iter_mut().enumerate() {
                let q = &rows[n * row + i + self.lane..][..W];
                for ((sum, &q), &x) in along.iter_mut().zip(q).zip(x) {
                    *sum = *sum + q * x;
                }
            }
        }
        for i in (0..row).step_by(self.stride) {
            let x = &mut v[i + self.lane..][..W];
            for (n, along) in along.iter().enumerate() {
                let q = &rows[n * row + i + self.lane..][..W];
                for ((x, &q), &along) in x.iter_mut().zip(q).zip(along) {
                    *x = *x - q * along;
                }
            }
        }
    }

    /// The squared length.
    #[inline(always)]
    fn square<T: Element>(self, v: &[T]) -> [T; W] {
        let mut sums = [T::zero(); W];
        for i in (0..self.dim * self.stride).step_by(self.stride) {
            for (sum, &x) in sums.iter_mut().zip(&v[i + self.lane..][..W]) {
                *sum = *sum + x * x;
            }
        }
        sums
    }
}
