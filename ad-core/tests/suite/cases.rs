//! Every operation, checked to second order and against the compiled program.

use ad_core::{Binary, Elementary, Unary};

use crate::{check_everything, record};

/// One test per case.
macro_rules! cases {
    ($($name:ident: |$t:ident| $code:expr;)*) => {$(
        #[test]
        fn $name() {
            check_everything(&record(|$t| $code), 0.3, 0.9);
        }
    )*};
}

#[test]
fn every_elementary_function_of_one_argument() {
    for &f in Unary::ALL {
        // acosh begins at 1; the others are smooth on 0.3 .. 0.9.
        let shift = if f == Unary::Acosh { 1.0 } else { 0.0 };
        check_everything(&record(|t| (t.example("x", &[2]) + shift).unary(f)), 0.3, 0.9);
        check_everything(&record(|t| (t.shared("w", &[2]) + shift).unary(f).sum_examples()), 0.3, 0.9);
    }
}

#[test]
fn every_elementary_function_of_two_arguments() {
    for &f in Binary::ALL {
        // Far enough apart for max, min and less.
        check_everything(
            &record(|t| t.example("a", &[2]).binary(f, &(t.example("b", &[2]) + 1.0))),
            0.3,
            0.9,
        );
        check_everything(&record(|t| t.shared("a", &[2]).binary(f, &(t.example("b", &[]) + 1.0))), 0.3, 0.9);
        check_everything(&record(|t| (t.example("a", &[1]) + 1.0).binary(f, &t.shared("b", &[2]))), 0.3, 0.9);
    }
}

cases! {
    add: |t| t.example("x", &[3]) + t.example("y", &[3]);
    add_of_example_and_shared: |t| t.example("x", &[3]) + t.shared("b", &[3]);
    add_of_a_value_to_itself: |t| { let x = t.example("x", &[3]); &x + &x };
    sub_and_neg: |t| -(t.example("x", &[3]) - t.shared("b", &[3]));
    a_value_minus_itself: |t| { let x = t.example("x", &[3]); &x - &x };
    numbers_on_both_sides: |t| 2.0 - (1.0 + t.example("x", &[3]) * 3.0) / 4.0;
    one_over: |t| 1.0 / t.example("x", &[3]);
    mul: |t| t.example("x", &[3]) * t.shared("w", &[3]);
    square: |t| t.example("x", &[3]).square();
    div: |t| t.example("x", &[3]) / t.shared("w", &[3]);
    broadcast_of_a_vector_over_rows: |t| t.example("x", &[2, 3]) * t.shared("w", &[3]);
    broadcast_of_a_number: |t| t.example("x", &[2, 3]) + t.shared("w", &[]);
    broadcast_of_length_one: |t| t.example("x", &[2, 1]) * t.shared("w", &[1, 3]);
    broadcast_of_length_one_added: |t| t.example("x", &[2, 1]) + t.shared("w", &[1, 3]);
    broadcast_of_length_one_beside_length_one: |t| t.example("x", &[1]) / t.shared("w", &[1]);
    broadcast_of_shared_to_examples: |t| t.shared("w", &[3]) + t.example("s", &[]);
    broadcast_to: |t| t.example("x", &[1, 3]).broadcast_to(&[2, 2, 3]);
    matrix_vector: |t| t.shared("w", &[2, 3]).matmul(&t.example("x", &[3]));
    vector_matrix: |t| t.example("x", &[3]).matmul(&t.shared("w", &[3, 2]));
    matrix_matrix: |t| t.example("x", &[2, 3]).matmul(&t.shared("w", &[3, 2]));
    matrix_with_itself: |t| { let w = t.example("w", &[2, 2]); w.matmul(&w) };
    matrix_with_its_transpose: |t| { let w = t.shared("w", &[2, 3]); w.matmul(&w.transpose()) };
    dot: |t| t.example("x", &[3]).dot(&t.example("y", &[3]));
    outer: |t| t.example("x", &[3]).outer(&t.shared("w", &[2]));
    outer_with_itself: |t| { let x = t.example("x", &[2]); x.outer(&x) };
    einsum_reads_a_diagonal: |t| t.example("a", &[3, 3]).einsum("ii,i->i", &t.shared("w", &[3]));
    einsum_fills_a_diagonal: |t| t.example("x", &[3]).einsum("i,i->ii", &t.shared("w", &[3]));
    einsum_fills_a_diagonal_beside_an_axis: |t| t.example("x", &[2, 2]).einsum("ij,i->iji", &t.shared("w", &[2]));
    einsum_sums_each_operand_by_itself: |t| t.example("a", &[2, 3]).einsum("ij,kl->", &t.shared("b", &[3, 2]));
    einsum_over_two_indices: |t| t.example("a", &[2, 3]).einsum("ij,ij->", &t.shared("b", &[2, 3]));
    einsum_in_another_order: |t| t.example("a", &[2, 3]).einsum("ij,k->kji", &t.shared("b", &[2]));
    einsum_bilinear: |t| { let x = t.example("x", &[2]); x.einsum("i,ij->j", &t.shared("w", &[2, 2])).dot(&x) };
    diagonal: |t| t.example("a", &[3, 3]).diagonal();
    diagonal_of_a_product: |t| t.example("a", &[2, 2]).matmul(&t.shared("b", &[2, 2])).diagonal();
    diagonal_of_a_function: |t| t.example("a", &[2, 2]).sin().diagonal();
    trace: |t| t.example("a", &[3, 3]).trace();
    trace_of_a_product: |t| t.shared("a", &[2, 3]).matmul(&t.shared("b", &[3, 2])).trace();
    identity_as_a_factor: |t| t.example("a", &[3, 3]).matmul(&t.identity(3));
    identity_elementwise: |t| t.example("a", &[3, 3]) * t.identity(3);
    identity_added: |t| t.example("a", &[3, 3]) + t.identity(3);
    trace_of_the_identity: |t| t.identity(3).trace() * t.example("x", &[]);
    sum: |t| t.example("x", &[2, 3]).sum();
    sum_axis: |t| t.example("x", &[2, 3, 2]).sum_axis(1);
    sum_of_a_broadcast: |t| t.example("x", &[]).broadcast_to(&[3]).sum();
    permute: |t| t.example("x", &[1, 2, 3]).permute(&[2, 0, 1]).sin();
    transpose: |t| t.shared("w", &[2, 3]).transpose().exp();
    slice: |t| t.example("x", &[4]).slice(0, 1..3).exp();
    slice_of_nothing: |t| t.example("x", &[4]).slice(0, 2..2).exp();
    slice_of_an_inner_axis: |t| t.example("x", &[3, 4]).slice(0, 1..3).slice(1, 0..2).exp();
    at: |t| t.example("x", &[2, 3]).at(1, 2).exp();
    pad: |t| t.example("x", &[2]).exp().pad(0, 1, 4);
    gather: |t| t.example("x", &[3, 2]).gather(0, &[2, 0, 2, 1]).exp();
    gather_of_nothing: |t| t.example("x", &[3]).gather(0, &[]);
    scatter: |t| { let x = t.example("x", &[3]); t.pull_back(&[(&x.gather(0, &[2, 0, 2]), &t.example("c", &[3]))], &[&x]).remove(0) };
    concat: |t| t.example("x", &[2]).concat(&[&t.shared("w", &[1]), &t.example("z", &[3])], 0).exp();
    concat_along_an_inner_axis: |t| t.example("x", &[2, 1]).concat(&[&t.example("z", &[2, 2])], 1).exp();
    reshape: |t| t.example("x", &[2, 3]).reshape(&[3, 2]).exp();
    reshape_to_a_vector_and_back: |t| t.example("x", &[2, 3]).reshape(&[6]).exp().reshape(&[1, 2, 3]);
    reshape_of_a_number: |t| t.example("x", &[]).reshape(&[1, 1]).exp();
    stop_gradient: |t| { let x = t.example("x", &[3]); x.stop_gradient() * x };
    constant: |t| t.example("x", &[2, 2]) * t.constant(&[1.0, -2.0, 0.0, 4.0], &[2, 2]);
    full: |t| t.example("x", &[2, 2]) * t.full(&[2, 2], -0.5);
    an_empty_axis: |t| t.example("x", &[0, 2]).sum_axis(0) + t.example("b", &[2]);
    a_product_over_an_empty_axis: |t| t.example("x", &[2, 0]).matmul(&t.shared("w", &[0, 3]));
    select_between_values: |t| { let x = t.example("x", &[3]); x.less(&t.number(0.6)).select(&x.square(), &x.exp()) };
    select_by_one_mask_of_all: |t| { let x = t.example("x", &[2, 2]); t.number(1.0).select(&x.sin(), &x.cos()) };
    select_between_example_and_shared: |t| t.constant(&[1.0, 0.0], &[2]).select(&t.example("x", &[2]), &t.shared("w", &[2]));
    select_with_a_number_on_one_side: |t| t.constant(&[1.0, 0.0], &[2]).select(&t.example("x", &[2]), &t.number(0.5));
    sum_examples: |t| t.example("x", &[2]).exp().sum_examples();
    sum_examples_of_a_shared_value: |t| t.shared("w", &[2]).exp().sum_examples();
    sum_examples_of_a_shared_value_spread: |t| (t.shared("w", &[2]) + t.example("x", &[]) * 0.0).exp().sum_examples();
    mean_examples: |t| t.example("x", &[2]).exp().mean_examples();
    mean_examples_of_a_shared_value: |t| t.shared("w", &[2]).exp().mean_examples();
    a_batch_mean_that_feeds_examples: |t| { let x = t.example("x", &[2]); (&x - x.mean_examples()).square() };
    a_batch_variance: |t| { let x = t.example("x", &[2]); ((&x - x.mean_examples()).square().mean_examples() + 0.1).sqrt() };
    count: |t| t.count() * t.example("x", &[2]);
    a_bias_that_enters_last_has_the_factor_of_all_examples: |t| (t.example("x", &[2]) * 2.0 + t.shared("b", &[2])).sum().sum_examples();
    an_input_that_nothing_reads: |t| { let _ = t.shared("w", &[2]); t.example("x", &[2]).exp() };
    an_output_that_is_an_input: |t| t.example("x", &[2]);
    a_layer: |t| (t.example("x", &[3]).matmul(&t.shared("w", &[3, 2])) + t.shared("b", &[2])).tanh();
    log_sum_exp: |t| t.example("x", &[3]).exp().sum().ln();
}
