use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;
use crate::data::write_atomically;
use crate::model::Model;

const MODEL: &str = "model.safetensors";
const METRICS: &str = "metrics.json";
const REPORT: &str = "report.html";

/// The folder of a run.
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder if it is not there. A former run in it may be replaced; files of the same names that are no run
    /// are not ours to overwrite.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let unusable =
            |error| Failure::input(format!("{}: cannot be used as a folder ({error}).", path.display()));
        fs::create_dir_all(path).map_err(unusable)?;
        tempfile::tempfile_in(path).map_err(unusable)?;
        let folder = Self { path: path.to_path_buf() };
        let taken = [MODEL, METRICS, REPORT].into_iter().find(|name| path.join(name).exists());
        match taken {
            Some(name) if Model::read(folder.model()).is_err() => Err(Failure::input(format!(
                "{}: there is a {name} that is not of a run of flows; give another folder, or remove the file.",
                path.display()
            ))),
            _ => Ok(folder),
        }
    }

    /// The model file of what a user calls RUN: a folder, or the file itself.
    pub(super) fn model_of(run: &Path) -> PathBuf {
        if run.is_dir() { run.join(MODEL) } else { run.to_path_buf() }
    }

    pub(super) fn model(&self) -> PathBuf {
        self.path.join(MODEL)
    }

    /// Writes the model. Results of a former run, which are not this model's, go first.
    pub(super) fn write_model(&self, model: &Model) -> Result<(), Failure> {
        for stale in [METRICS, REPORT].map(|name| self.path.join(name)) {
            if stale.exists() {
                fs::remove_file(&stale).map_err(|error| cannot_write(&stale, &error))?;
            }
        }
        Ok(model.write(self.model())?)
    }

    pub(super) fn write_metrics(&self, json: &str) -> Result<(), Failure> {
        self.write(METRICS, json)
    }

    pub(super) fn write_report(&self, html: &str) -> Result<(), Failure> {
        self.write(REPORT, html)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.path.join(name);
        write_atomically(&path, text.as_bytes()).map_err(|error| cannot_write(&path, &error))
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("{}: cannot be written ({error}).", path.display()))
}
