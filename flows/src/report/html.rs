use std::fmt::Write as _;

use plotters::style::RGBColor;

use super::colour::css;

/// A picture with its title, legend and caption; all but the drawing is plain text.
pub(super) struct Figure {
    pub(super) title: String,
    pub(super) keys: Vec<Key>,
    pub(super) svg: String,
    pub(super) caption: String,
}

/// An entry of a legend.
pub(super) struct Key {
    mark: &'static str,
    colour: RGBColor,
    text: String,
}

impl Key {
    /// `mark` is one of the shapes of `style.css`: dot, ring, bar, line, dash.
    pub(super) fn new(mark: &'static str, colour: RGBColor, text: impl Into<String>) -> Self {
        Self { mark, colour, text: text.into() }
    }
}

/// The whole page.
pub(super) fn page(
    title: &str,
    settings: &[(String, String)],
    metrics: &[(String, String)],
    figures: &[Figure],
) -> String {
    let mut body = format!("<header>\n<h1>{}</h1>\n", escape(title));
    if !settings.is_empty() {
        body += &settings.iter().fold("<dl>\n".to_owned(), |list, (name, value)| {
            list + &format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value))
        });
        body += "</dl>\n";
    }
    body += "</header>\n";
    if !metrics.is_empty() {
        body += &table(metrics);
    }
    for (k, f) in figures.iter().enumerate() {
        body += &figure(k + 1, f);
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{body}\
         <footer>flows {}</footer>\n</main>\n</body>\n</html>\n",
        escape(title),
        include_str!("style.css"),
        env!("CARGO_PKG_VERSION"),
    )
}

fn table(metrics: &[(String, String)]) -> String {
    let rows = metrics.iter().fold(String::new(), |rows, (name, value)| {
        rows + &format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(name), escape(value))
    });
    format!("<section>\n<h2>Metrics</h2>\n<table>\n<tbody>\n{rows}</tbody>\n</table>\n</section>\n")
}

fn figure(number: usize, figure: &Figure) -> String {
    let Figure { title, keys, svg, caption } = figure;
    let keys = keys.iter().fold(String::new(), |mut all, Key { mark, colour, text }| {
        // Writing to a String cannot fail.
        let _ = write!(
            all,
            "<span class=\"key\"><i class=\"{mark}\" style=\"--colour:{}\"></i>{}</span>",
            css(*colour),
            escape(text)
        );
        all
    });
    format!(
        "<section>\n<h2>{}</h2>\n<figure>\n<p class=\"keys\">{keys}</p>\n{svg}\
         <figcaption><b>Figure {number}.</b> {}</figcaption>\n</figure>\n</section>\n",
        escape(title),
        escape(caption),
    )
}

/// Text that is safe as the content of an element and of a quoted attribute. Control characters, which HTML
/// forbids, become the replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            c if c.is_control() && !c.is_whitespace() => safe.push(char::REPLACEMENT_CHARACTER),
            c => safe.push(c),
        }
    }
    safe
}
