//! Laws of all tapes, on random programs.

use ad_core::check::{self, Tester, strategies};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn derivatives_are_right_to_second_order(case in strategies::programs(8)) {
        check::derivatives(&case.tape, case.examples, &case.inputs).map_err(|e| TestCaseError::fail(e.to_string()))?;
    }

    #[test]
    fn long_programs_to_first_order(case in strategies::programs(24)) {
        let tester = Tester { order: 1, directions: 2, ..Tester::default() };
        tester.check(&case.tape, case.examples, &case.inputs).map_err(|e| TestCaseError::fail(e.to_string()))?;
    }
}
