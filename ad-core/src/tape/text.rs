//! The text form of a tape.

use std::fmt;

use super::Tape;

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, node) in self.nodes().iter().enumerate() {
            writeln!(f, "v{k}{:?} = {:?} {:?} {:?}", node.out, node.op, node.operands, node.extents)?;
        }
        Ok(())
    }
}
