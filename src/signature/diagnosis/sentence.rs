//! Explanations as text.

use super::MAX_HOSTS;

/// Maximum length of a name in an explanation, in characters.
const MAX_NAME_CHARS: usize = 100;

/// Joins mistakes to one sentence.
pub(super) fn to_sentence(mistakes: &[String]) -> String {
    let mut text = mistakes.join(", and ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text.push('.');
    text
}

/// Lists names in backquotes: `a`, `b` and `c`. `conjunction` comes before the last one. Long lists and long names
/// are truncated.
pub(in crate::signature) fn quoted_list(names: &[&str], conjunction: &str) -> String {
    let shown = names.iter().take(MAX_HOSTS).map(|name| match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("`{}…`", name.get(..end).unwrap_or_default()),
        None => format!("`{name}`"),
    });
    let mut shown: Vec<String> = shown.collect();
    if names.len() > MAX_HOSTS {
        shown.push(format!("{} more", names.len() - MAX_HOSTS));
    }
    match shown.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{}{conjunction}{last}", others.join(", ")),
        _ => shown.concat(),
    }
}
