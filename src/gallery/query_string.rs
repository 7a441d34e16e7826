//! Parses the query string of a request. Pure.
//!
//! A route lists the parameters that it accepts. Each may occur once, and its value must be short.
//! For any other query string, the result is a problem that names the parameter.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::problem::Problem;

/// The maximum length of a parameter's value, in bytes.
pub(crate) const MAX_VALUE_BYTES: usize = 1_024;
/// The maximum length of a cursor, in bytes.
pub(crate) const MAX_CURSOR_BYTES: usize = 2048;

/// Checks the query string of a route without parameters.
///
/// # Errors
/// Returns a problem that names the first parameter, if there is one.
pub(crate) fn reject_parameters(query: Option<&str>) -> Result<(), Problem> {
    parse_query(query, &[]).map(|_| ())
}

/// Returns the name and the decoded value of each parameter of a request. `known` has the names of
/// the parameters that the route accepts.
///
/// # Errors
/// Returns a problem that names the first parameter that is unknown, repeated, empty, too long or
/// not UTF-8.
pub(crate) fn parse_query<'a>(
    query: Option<&str>,
    known: &[&'a str],
) -> Result<Vec<(&'a str, String)>, Problem> {
    let mut parsed: Vec<(&str, String)> = Vec::new();
    for pair in query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode_form_text(name).unwrap_or(Cow::Borrowed(name));
        let Some(name) = known.iter().copied().find(|known| *known == name) else {
            return Err(Problem::unknown_parameter(&name, known));
        };
        let value = decode_value(name, value)?;
        if parsed.iter().any(|(earlier, _)| *earlier == name) {
            return Err(Problem::invalid_parameter(
                name,
                "It is given more than once.",
            ));
        }
        parsed.push((name, value));
    }
    Ok(parsed)
}

/// Decodes the value of a parameter and checks its length.
fn decode_value(name: &str, encoded: &str) -> Result<String, Problem> {
    let max_bytes = if name == "cursor" {
        MAX_CURSOR_BYTES
    } else {
        MAX_VALUE_BYTES
    };
    let too_long =
        || Problem::invalid_parameter(name, format!("It is longer than {max_bytes} bytes."));
    // Percent-encoding makes a value at most three times as long.
    if encoded.len() > 3 * max_bytes {
        return Err(too_long());
    }
    let Some(value) = decode_form_text(encoded) else {
        return Err(Problem::invalid_parameter(name, "It is not UTF-8."));
    };
    if value.is_empty() {
        return Err(Problem::invalid_parameter(
            name,
            "It is empty. Leave it out instead.",
        ));
    }
    if value.len() > max_bytes {
        return Err(too_long());
    }
    Ok(value.into_owned())
}

/// Decodes `application/x-www-form-urlencoded` text. Returns `None` if the result is not UTF-8.
fn decode_form_text(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['+', '%']) {
        return Some(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes())
        .decode_utf8()
        .ok()
        .map(|text| Cow::Owned(text.into_owned()))
}
