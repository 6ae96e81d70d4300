//! Any bytes are refused, or a model that is written and read back the same.

use flows::model::Model;

/// The bytes are the file.
pub fn law(bytes: &[u8]) -> Result<(), String> {
    let Ok(model) = Model::from_bytes(bytes) else { return Ok(()) };
    let written = model.to_bytes().map_err(|fault| format!("it cannot be written: {fault}"))?;
    match Model::from_bytes(&written) {
        Ok(back) if back == model => Ok(()),
        Ok(_) => Err("written and read back, it is another model".to_owned()),
        Err(fault) => Err(format!("what was written is refused: {fault}")),
    }
}
