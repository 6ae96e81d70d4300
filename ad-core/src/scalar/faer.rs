//! Numbers with derivatives as elements of faer's matrices: the traits of faer-traits.
//!
//! Products and direct solvers (LU, Cholesky, QR) differentiate to any order. Iterations (eigenvalues, singular values) end
//! where what is left is zero; first derivatives have converged by then, second ones may be NaN.

use faer_traits::pulp::{Scalar as NoVectors, Simd};
use faer_traits::{ComplexField, RealField, SimdCapabilities};
use num_traits::{Float, One, Zero};

use super::{Dual, Recorded, Scalar, Var};

macro_rules! constants {
    ($($name:ident)*) => {$(
        #[inline]
        fn $name() -> Self {
            <Self as Scalar>::constant(T::Base::$name())
        }
    )*};
}

/// What numbers in vector registers would do. `SIMD_CAPABILITIES` says that these never are, so nothing is done.
macro_rules! in_registers {
    ($($name:ident($($Argument:ident)*) -> $Result:ident;)*) => {$(
        fn $name<S: Simd>(_: &Self::SimdCtx<S> $(, _: Self::$Argument<S>)*) -> Self::$Result<S> {}
    )*};
}

macro_rules! matrix_element {
    ($([$($generics:tt)*] $number:ty;)*) => {$(
        #[expect(unsafe_code, reason = "the trait declares two methods so; there is nothing unsafe in them")]
        impl<$($generics)*> ComplexField for $number
        where
            T::Base: RealField,
        {
            type Arch = NoVectors;
            type Unit = Self;
            type Index = usize;
            type Real = Self;
            type SimdCtx<S: Simd> = S;
            type SimdMask<S: Simd> = ();
            type SimdMemMask<S: Simd> = ();
            type SimdVec<S: Simd> = ();
            type SimdIndex<S: Simd> = ();

            const IS_REAL: bool = true;
            const SIMD_CAPABILITIES: SimdCapabilities = SimdCapabilities::None;

            #[inline]
            fn zero_impl() -> Self {
                Self::zero()
            }
            #[inline]
            fn one_impl() -> Self {
                Self::one()
            }
            #[inline]
            fn nan_impl() -> Self {
                Self::nan()
            }
            #[inline]
            fn infinity_impl() -> Self {
                Self::infinity()
            }
            #[inline]
            fn from_real_impl(re: &Self) -> Self {
                *re
            }
            #[inline]
            fn from_f64_impl(re: f64) -> Self {
                Self::lift(re)
            }
            #[inline]
            fn real_part_impl(number: &Self) -> Self {
                *number
            }
            #[inline]
            fn imag_part_impl(_: &Self) -> Self {
                Self::zero()
            }
            #[inline]
            fn copy_impl(number: &Self) -> Self {
                *number
            }
            #[inline]
            fn conj_impl(number: &Self) -> Self {
                *number
            }
            #[inline]
            #[track_caller]
            fn recip_impl(number: &Self) -> Self {
                Float::recip(*number)
            }
            #[inline]
            #[track_caller]
            fn sqrt_impl(number: &Self) -> Self {
                Float::sqrt(*number)
            }
            #[inline]
            #[track_caller]
            fn abs_impl(number: &Self) -> Self {
                Float::abs(*number)
            }
            #[inline]
            #[track_caller]
            fn abs1_impl(number: &Self) -> Self {
                Float::abs(*number)
            }
            #[inline]
            #[track_caller]
            fn abs2_impl(number: &Self) -> Self {
                *number * *number
            }
            #[inline]
            #[track_caller]
            fn mul_real_impl(a: &Self, b: &Self) -> Self {
                *a * *b
            }
            #[inline]
            #[track_caller]
            fn mul_pow2_impl(a: &Self, b: &Self) -> Self {
                *a * *b
            }
            #[inline]
            fn is_finite_impl(number: &Self) -> bool {
                Float::is_finite(*number)
            }

            in_registers! {
                simd_neg(SimdVec) -> SimdVec;
                simd_conj(SimdVec) -> SimdVec;
                simd_abs1(SimdVec) -> SimdVec;
                simd_abs_max(SimdVec) -> SimdVec;
                simd_abs2(SimdVec) -> SimdVec;
                simd_abs2_add(SimdVec SimdVec) -> SimdVec;
                simd_add(SimdVec SimdVec) -> SimdVec;
                simd_sub(SimdVec SimdVec) -> SimdVec;
                simd_mul(SimdVec SimdVec) -> SimdVec;
                simd_mul_real(SimdVec SimdVec) -> SimdVec;
                simd_mul_pow2(SimdVec SimdVec) -> SimdVec;
                simd_conj_mul(SimdVec SimdVec) -> SimdVec;
                simd_mul_add(SimdVec SimdVec SimdVec) -> SimdVec;
                simd_conj_mul_add(SimdVec SimdVec SimdVec) -> SimdVec;
                simd_equal(SimdVec SimdVec) -> SimdMask;
                simd_less_than(SimdVec SimdVec) -> SimdMask;
                simd_less_than_or_equal(SimdVec SimdVec) -> SimdMask;
                simd_greater_than(SimdVec SimdVec) -> SimdMask;
                simd_greater_than_or_equal(SimdVec SimdVec) -> SimdMask;
                simd_select(SimdMask SimdVec SimdVec) -> SimdVec;
                simd_index_select(SimdMask SimdIndex SimdIndex) -> SimdIndex;
                simd_index_add(SimdIndex SimdIndex) -> SimdIndex;
                simd_index_less_than(SimdIndex SimdIndex) -> SimdMask;
                simd_and_mask(SimdMask SimdMask) -> SimdMask;
                simd_or_mask(SimdMask SimdMask) -> SimdMask;
                simd_not_mask(SimdMask) -> SimdMask;
            }
            fn simd_ctx<S: Simd>(simd: S) -> S {
                simd
            }
            fn ctx_from_simd<S: Simd>(simd: &S) -> S {
                *simd
            }
            fn simd_splat<S: Simd>(_: &S, _: &Self) {}
            fn simd_splat_real<S: Simd>(_: &S, _: &Self) {}
            fn simd_index_splat<S: Simd>(_: &S, _: usize) {}
            fn simd_mask_between<S: Simd>(_: &S, _: usize, _: usize) {}
            fn simd_mem_mask_between<S: Simd>(_: &S, _: usize, _: usize) {}
            fn simd_reduce_sum<S: Simd>(_: &S, (): ()) -> Self {
                Self::nan()
            }
            fn simd_reduce_max<S: Simd>(_: &S, (): ()) -> Self {
                Self::nan()
            }
            fn simd_first_true_mask<S: Simd>(_: &S, (): ()) -> usize {
                0
            }
            unsafe fn simd_mask_load_raw<S: Simd>(_: &S, (): (), _: *const ()) {}
            unsafe fn simd_mask_store_raw<S: Simd>(_: &S, (): (), _: *mut (), (): ()) {}
        }

        impl<$($generics)*> RealField for $number
        where
            T::Base: RealField,
        {
            constants! {
                epsilon_impl min_positive_impl max_positive_impl sqrt_min_positive_impl sqrt_max_positive_impl
            }
            #[inline]
            fn nbits_impl() -> usize {
                T::Base::nbits_impl()
            }
        }
    )*};
}

matrix_element! {
    [T: Scalar + Send + Sync + 'static, const N: usize] Dual<T, N>;
    [T: Recorded + Send + Sync + 'static] Var<T>;
}
