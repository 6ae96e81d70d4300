//! What a program will do, readable.

use std::fmt::Write;

use super::instruction::{Instruction, Kernel, Place};
use super::nest::{Axis, Lane};
use super::{Program, Step};
use crate::kernels::{Arithmetic, BLOCK, Chain, Element, Function};

impl<T: Element> Program<T> {
    /// What runs once for each binding, for each block of examples and after the last block; which values are kept where,
    /// and what it costs. One line an instruction; lines of a loop are set in.
    ///
    /// ```
    /// use ad_core::{Elementary, Tape};
    ///
    /// let layer = Tape::record(|t| {
    ///     let (x, w, b) = (t.example("x", &[3]), t.shared("w", &[3, 4]), t.shared("b", &[4]));
    ///     [("y", (x.matmul(&w) + b).tanh())]
    /// })?;
    /// let text = layer.compile::<f32>()?.explain();
    /// assert!(text.contains("matrix product 4 x 3")); // 12 multiply-adds an example
    /// assert!(text.contains("sum, tanh of 4")); // one pass for bias and activation
    /// # Ok::<(), ad_core::Error>(())
    /// ```
    pub fn explain(&self) -> String {
        let mut text = String::new();
        let rows: usize = self.buffers.rows.iter().sum();
        let bytes = |n: usize| n * size_of::<T>();
        let shared: usize = self.shared.iter().map(|value| value.len()).sum();
        let sums: usize = self.late.iter().sum();
        let by_rows = self.inputs.iter().filter(|port| port.by_rows);
        let by_rows =
            by_rows.map(|port| format!("; `{}` read by rows", port.name)).collect::<Vec<_>>().concat();
        let block = if self.one_block {
            "all examples as one block".to_owned()
        } else {
            format!("blocks of {BLOCK} examples")
        };
        let _ = writeln!(
            text,
            "{block}; {} buffers of {rows} numbers an example ({} bytes a block of {BLOCK}), {shared} shared numbers \
             ({} bytes), {sums} sums over examples ({} bytes){by_rows}",
            self.buffers.rows.len(),
            bytes(rows * BLOCK),
            bytes(shared),
            bytes(sums)
        );
        let mut total = 0;
        section(&mut text, "for each binding", &self.prefix, 0);
        let _ = writeln!(text, "for each block:");
        for step in &self.body {
            match step {
                Step::One(instruction) => {
                    line(&mut text, instruction, 1);
                    total += multiply_adds(instruction);
                }
                Step::Loop { extent, body } => {
                    let _ = writeln!(text, "  {extent} times:");
                    for instruction in body {
                        line(&mut text, instruction, 2);
                        total += extent * multiply_adds(instruction);
                    }
                }
            }
        }
        section(&mut text, "after the last block", &self.suffix, 0);
        let _ = writeln!(text, "{total} multiply-adds an example in products");
        text
    }
}

fn section(text: &mut String, title: &str, instructions: &[Instruction], depth: usize) {
    if !instructions.is_empty() {
        let _ = writeln!(text, "{title}:");
        for instruction in instructions {
            line(text, instruction, depth + 1);
        }
    }
}

fn line(text: &mut String, instruction: &Instruction, depth: usize) {
    let outs: Vec<String> = instruction.outs.iter().map(|out| place(&out.place)).collect();
    let from: Vec<String> = instruction.operands.iter().map(place).collect();
    let indent = "  ".repeat(depth);
    let _ = writeln!(text, "{indent}{} = {} <- {}", outs.join(", "), describe(instruction), from.join(", "));
}

/// `p3`, `s3`, `b3` or `sum3`: a shared input, what follows from them alone, a buffer of the block, a sum over examples or
/// what follows from it.
fn place(place: &Place) -> String {
    match place {
        Place::Given(k) => format!("p{k}"),
        Place::Shared(k) => format!("s{k}"),
        Place::Block(k) => format!("b{k}"),
        Place::Late(k) => format!("sum{k}"),
    }
}

fn describe(instruction: &Instruction) -> String {
    let times = |axes: &[Axis]| {
        let n = size(axes);
        if n == 1 { String::new() } else { format!(", {n} times") }
    };
    match &instruction.kernel {
        Kernel::Chain(chain) => {
            let links: Vec<String> = chain.links.iter().map(|link| name(&link.function)).collect();
            format!("{} of {}", links.join(", "), elements(chain, instruction.lane))
        }
        Kernel::Product(p) => format!("sum of products, {} of {} terms", size(&p.over), size(&p.summed)),
        Kernel::Matmul { m, k, over, summed, .. } => {
            format!("matrix product {} x {}{}{}", m.size, k.size, times(over), times(summed))
        }
        Kernel::Lanewise { m, k, n, over, .. } => {
            format!("matrix product in each lane, {} x {} x {}{}", m.size, k.size, n.size, times(over))
        }
        Kernel::LaneMatmul { m, n, over, .. } => {
            format!("matrix product over examples, {} x {}{}", m.size, n.size, times(over))
        }
        Kernel::LaneSum(p) => {
            format!("sum over examples, {} of {} terms each", size(&p.over), size(&p.summed))
        }
        Kernel::Rows { runs, zeros, .. } => {
            let count = |runs: &[super::instruction::Run]| runs.iter().map(|run| run.length).sum::<usize>();
            let copied: usize = runs.iter().map(|runs| count(runs)).sum();
            format!("copy of {copied} rows, {} of zeros", count(zeros))
        }
        Kernel::Transposed { shape: [rows, columns], .. } => format!("transpose of {rows} x {columns}"),
    }
}

fn size(axes: &[Axis]) -> usize {
    axes.iter().map(|axis| axis.size).product()
}

fn elements(chain: &Chain, lane: Lane) -> usize {
    let rows: usize = chain.axes.iter().map(|axis| axis.size).product();
    if let Lane::Fixed(n) = lane { rows * n } else { rows }
}

fn name(function: &Function) -> String {
    match function {
        Function::Unary(f) => f.name().to_owned(),
        Function::Binary(f) => f.name().to_owned(),
        Function::Select => "select".to_owned(),
        Function::Sum(_) => "sum".to_owned(),
        Function::Product(_) => "product".to_owned(),
        Function::Pair { first, second, .. } => format!("{}, {}", word(*first), word(*second)),
    }
}

fn word(arithmetic: Arithmetic) -> &'static str {
    match arithmetic {
        Arithmetic::Sum(_) => "sum",
        Arithmetic::Product(_) => "product",
    }
}

/// Multiply-adds for one example of what runs for each block.
fn multiply_adds(instruction: &Instruction) -> usize {
    match &instruction.kernel {
        Kernel::Product(p) | Kernel::LaneSum(p) => size(&p.over) * size(&p.summed),
        Kernel::Matmul { m, k, over, summed, .. } => m.size * k.size * size(over) * size(summed),
        Kernel::Lanewise { m, k, n, over, .. } => m.size * k.size * n.size * size(over),
        Kernel::LaneMatmul { m, n, over, .. } => m.size * n.size * size(over),
        Kernel::Chain(_) | Kernel::Rows { .. } | Kernel::Transposed { .. } => 0,
    }
}
