//! Recognises comments that contain what the public must not see: a position, or the number of a device.
//!
//! A caption is shown to everybody, under every location policy. People write captions, but programs
//! write positions and serial numbers into comments. So such a comment is no caption.

/// Words before a position.
const POSITION_WORDS: [&str; 8] = [
    "lat",
    "latitude",
    "lon",
    "lng",
    "longitude",
    "gps",
    "geo",
    "utm",
];
/// Words before the number of a device.
const DEVICE_WORDS: [&str; 6] = ["serial", "serialnumber", "imei", "meid", "sn", "s/n"];

/// The number of decimals with which a number is precise enough for a position: 0.001 degrees are about
/// 100 metres.
const POSITION_DECIMALS: usize = 3;

/// Reports whether a comment contains a position, or the number of a device.
pub(crate) fn is_private_comment(text: &str) -> bool {
    let lower = text.to_lowercase();
    names_a_number(&lower)
        || has_two_coordinates(&lower)
        || has_hemispheres(&lower)
        || has_minutes(&lower)
}

/// Reports whether a word for a position or a device is there, and a digit in the same word or in one of
/// the next two.
fn names_a_number(lower: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '/';
    let mut words_left = 0_u8;
    let words = lower.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    words.into_iter().any(|word| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let has_digit = word.contains(|c: char| c.is_ascii_digit());
        words_left = match POSITION_WORDS.contains(&letters) || DEVICE_WORDS.contains(&letters) {
            true => 3,
            false => words_left.saturating_sub(1),
        };
        words_left > 0 && has_digit
    })
}

/// Reports whether two numbers have the decimals of a coordinate, and its size.
fn has_two_coordinates(lower: &str) -> bool {
    let numbers = lower.split(|c: char| !c.is_ascii_digit() && c != '.');
    let coordinates = numbers.filter(|number| {
        let decimals = number
            .split_once('.')
            .map_or(0, |(_, decimals)| decimals.len());
        let is_angle = |value: f64| value <= 180.0;
        decimals >= POSITION_DECIMALS && number.parse().is_ok_and(is_angle)
    });
    coordinates.take(2).count() == 2
}

/// Reports whether a number is beside `n` or `s`, and another one beside `e` or `w`.
fn has_hemispheres(lower: &str) -> bool {
    let letters: Vec<char> = lower.chars().filter(|c| !c.is_whitespace()).collect();
    let is_beside_a_number = |names: [char; 2]| {
        letters.iter().enumerate().any(|(at, letter)| {
            let before = at.checked_sub(1).and_then(|at| letters.get(at));
            let after = letters.get(at + 1);
            let is_unit =
                |c: &char| c.is_ascii_digit() || matches!(c, '°' | '\'' | '"' | '′' | '″');
            let ends_word = after.is_none_or(|c| !c.is_alphabetic());
            let starts_word = before.is_none_or(|c| !c.is_alphabetic());
            let follows = before.is_some_and(is_unit) && ends_word;
            let precedes = after.is_some_and(char::is_ascii_digit) && starts_word;
            names.contains(letter) && (follows || precedes)
        })
    };
    is_beside_a_number(['n', 's']) && is_beside_a_number(['e', 'w'])
}

/// Reports whether degrees are followed by minutes: `45°28'`.
fn has_minutes(lower: &str) -> bool {
    lower.split('°').skip(1).any(|after| {
        let after = after.trim_start();
        let rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        rest.len() < after.len() && rest.trim_start().starts_with(['\'', '′', '’'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_numbers_of_devices_are_private() {
        for text in [
            "Lat: 45.4712 Lon: -73.6456",
            "Latitude 45 Longitude -73",
            "45.4712, -73.6456",
            "Position 45.4712 -73.6456 h=33m",
            "https://maps.example.org/?q=45.4712,-73.6456",
            "geo:45,-73",
            "N45.47 W73.64",
            "N 45 28 W 73 38",
            "45 28.27N 73 38.73W",
            "45°28'16.3\"N 73°38'44.2\"W",
            "45° 28′ 16″",
            "UTM 18T 605000 5036000",
            "Serial number: 1234567",
            "Camera S/N 00012345",
            "SN12345678",
            "IMEI 356938035643809",
        ] {
            assert!(is_private_comment(text), "{text}");
        }
        for text in [
            "Lovely smoke effect here, of which I'm secretly very proud.",
            "30° in the shade, and 5° at night",
            "Roll 3.125, frame 12",
            "A long walk of 12 km",
            "The GPS did not work in 2018",
            "A serial of photos",
            "At 12:30 in the 8 e arrondissement",
            "東京 2018",
            "",
        ] {
            assert!(!is_private_comment(text), "{text}");
        }
    }
}
