//! Numbers with derivatives as elements of ndarray's arrays. Its `LinalgScalar` they are of themselves.

use ndarray::ScalarOperand;

use super::{Dual, Recorded, Scalar, Var};

impl<T: Scalar + 'static, const N: usize> ScalarOperand for Dual<T, N> {}
impl<T: Recorded + 'static> ScalarOperand for Var<T> {}
