//! Sections: printed as text, and as one HTML page.

use crate::chart::Chart;

/// A heading, what it says, a table, and pictures.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) text: Vec<String>,
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) charts: Vec<Chart>,
}

impl Section {
    /// Prints all but the pictures.
    pub(crate) fn print(&self, number: usize) {
        println!("\n{number}. {}\n", self.title);
        let head: Vec<String> = self.head.iter().map(|&name| name.to_owned()).collect();
        let lines: Vec<&Vec<String>> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        for line in &lines {
            let cells = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}"));
            println!("  {}", cells.collect::<Vec<_>>().join("   "));
        }
        for text in &self.text {
            println!("\n  {text}");
        }
    }

    fn html(&self, number: usize) -> crate::Result<String> {
        let row = |cells: &[String], tag: &str| {
            let cells: Vec<String> =
                cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
            format!("<tr>{}</tr>\n", cells.concat())
        };
        let head: Vec<String> = self.head.iter().map(|&name| name.to_owned()).collect();
        let rows: String = self.rows.iter().map(|cells| row(cells, "td")).collect();
        let text: Vec<String> = self.text.iter().map(|text| format!("<p>{}</p>\n", escape(text))).collect();
        let text = text.concat();
        let charts: String = self.charts.iter().map(Chart::figure).collect::<crate::Result<_>>()?;
        Ok(format!(
            "<section>\n<h2>{number}. {}</h2>\n<table>\n{}{rows}</table>\n{text}{charts}</section>\n",
            escape(self.title),
            row(&head, "th"),
        ))
    }
}

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}\
    table{border-collapse:collapse;font-size:14px}th,td{text-align:right;padding:.15em .8em;border-bottom:1px solid #ddd}\
    svg{max-width:100%;height:auto}.key{margin-right:1.5em}";

/// The page.
pub(crate) fn html(sections: &[Section]) -> crate::Result<String> {
    let body: String =
        (1..).zip(sections).map(|(number, section)| section.html(number)).collect::<crate::Result<_>>()?;
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>Hutchinson's estimator</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>Hutchinson's estimator</h1>\n{body}</body>\n</html>\n"
    ))
}

/// Text as the content of an element.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
