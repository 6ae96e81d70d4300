//! Any bytes are a table of finite numbers, or an error that names the file; a table is written and read back, bit for bit.

use flows::data::{parse_points, to_csv};

/// The bytes are the file.
pub fn law(bytes: &[u8]) -> Result<(), String> {
    let table = match parse_points("t.csv", bytes) {
        Ok(table) => table,
        Err(error) if error.to_string().starts_with("t.csv") => return Ok(()),
        Err(error) => return Err(format!("an error without the file: {error}")),
    };
    if table.rows() == 0 || table.values().len() != table.rows() * table.columns() {
        return Err(format!(
            "{} rows of {} columns hold {} numbers",
            table.rows(),
            table.columns(),
            table.values().len()
        ));
    }
    if let Some(x) = table.values().iter().find(|x| !x.is_finite()) {
        return Err(format!("{x} was read"));
    }
    let written = to_csv(&table).map_err(|error| format!("it cannot be written: {error}"))?;
    let back =
        parse_points("t.csv", &written).map_err(|error| format!("what was written is refused: {error}"))?;
    let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    if bits(back.values()) == bits(table.values()) {
        Ok(())
    } else {
        Err(format!("written and read back, {:?} are {:?}", table.values(), back.values()))
    }
}
