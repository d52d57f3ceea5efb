//! Makes the merchant's `paymentReason` safe to show as HTML.

/// The tags that `paymentReason` may contain (guide: the pipeline pages).
const ALLOWED_TAGS: [&str; 9] = ["b", "i", "u", "ul", "li", "br", "em", "strong", "strike"];

/// Turns a `paymentReason` into safe HTML: allowed tags stay and are closed in order, other tags are removed, and
/// everything else is escaped.
pub(super) fn payment_reason_html(text: &str) -> String {
    let mut html = String::new();
    let mut open_tags: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        append_escaped(before, &mut html);
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        let Some((inside, after)) = after.split_once('>').filter(|_| is_tag) else {
            append_escaped("<", &mut html);
            rest = after;
            continue;
        };
        rest = after;
        // A tag with attributes does not match, so attributes never pass.
        let name = inside.trim_matches(['/', ' ']).to_ascii_lowercase();
        let Some(tag) = ALLOWED_TAGS.into_iter().find(|tag| *tag == name) else { continue };
        if tag == "br" {
            html.push_str("<br>");
        } else if !inside.starts_with('/') {
            html.extend(["<", tag, ">"]);
            open_tags.push(tag);
        } else if let Some(place) = open_tags.iter().rposition(|open| *open == tag) {
            // Tags that were opened inside this one are closed too.
            html.extend(open_tags.drain(place..).rev().flat_map(closing_tag));
        }
    }
    append_escaped(rest, &mut html);
    html.extend(open_tags.into_iter().rev().flat_map(closing_tag));
    html
}

const fn closing_tag(tag: &str) -> [&str; 3] {
    ["</", tag, ">"]
}

fn append_escaped(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_keep_their_allowed_tags_and_nothing_else() {
        for (text, html) in [
            ("plain & simple", "plain &amp; simple"),
            ("<b>bold", "<b>bold</b>"),
            ("<B>x</B><br/>", "<b>x</b><br>"),
            ("<b><i>x</b>y", "<b><i>x</i></b>y"),
            ("</b>x", "x"),
            ("<script>alert(1)</script>", "alert(1)"),
            ("<b onclick=x>y", "y"),
            ("1 < 2 and 3 > 2", "1 &lt; 2 and 3 &gt; 2"),
            ("<img src=x onerror='a>b'>", "b&#39;&gt;"),
        ] {
            assert_eq!(payment_reason_html(text), html, "{text}");
        }
    }
}
