//! IPTC-IIM 4.2. An IPTC block consists of datasets. A dataset is a value with a record number and
//! a dataset number: 2:55 is dataset 55 of record 2. Title, headline, caption, keywords, author,
//! credit, copyright, place and dates are read from record 2. Other datasets are ignored.

use super::date_time::{ParsedDateTime, parse_date_time};
use super::labels::LabelCollector;
use super::limits;
use super::place::Place;
use super::text::{clean_lines, clean_text, decode_mixed_text, decode_text, until_nul};
use super::work_budget::{Work, WorkBudget};

/// The bit of a dataset's length field that marks an extended length. A dataset is one value of an
/// IPTC block. If the bit is set, the other bits are a number of bytes. So many bytes follow, and
/// contain the real length.
const EXTENDED: u16 = 0x8000;
/// The first byte of every dataset.
const MARKER: u8 = 0x1c;
/// The numbers of the datasets of record 2 that contain keywords: the category, the supplemental
/// categories and the keywords.
const KEYWORD_DATASETS: [u8; 3] = [15, 20, 25];

/// The values of the IPTC datasets that describe a photo, from all IPTC blocks of a file. A dataset
/// is one value with a number.
#[derive(Debug, Default)]
pub(crate) struct IptcRecords {
    pub(crate) title: Option<String>,
    pub(crate) caption: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) labels: LabelCollector,
    pub(crate) artist: Option<String>,
    pub(crate) copyright: Option<String>,
    pub(crate) headline: Option<String>,
    pub(crate) credit: Option<String>,
    pub(crate) place: Place,
    created: [Option<String>; 2],
    digitized: [Option<String>; 2],
}

impl IptcRecords {
    /// Adds the datasets of a block. If a dataset is repeated, the first value is used. Only
    /// keywords and authors can have more than one value: those of the first block that has any, as
    /// in ExifTool. Stops if the work budget is used up.
    pub(crate) fn read_block(&mut self, bytes: &[u8], budget: &WorkBudget) {
        let has_keywords = !self.keywords.is_empty();
        let has_artist = self.artist.is_some();
        let mut datasets = IptcDatasets::new(bytes, budget);
        for dataset in datasets.by_ref().filter(|dataset| dataset.record == 2) {
            if KEYWORD_DATASETS.contains(&dataset.number) {
                // A keyword may follow a NUL. It counts for the rules of privacy.
                for part in dataset.value.split(|&b| b == 0) {
                    self.labels.add_keyword(&dataset.decode(part));
                }
            }
            // Some programs fill a dataset with NULs and rests of older texts.
            let decoded = dataset.decode(until_nul(dataset.value));
            if dataset.number == 120 {
                self.caption = self.caption.take().or_else(|| clean_lines(&decoded));
            }
            let Some(value) = clean_text(&decoded) else {
                continue;
            };
            match dataset.number {
                5 => set_first(&mut self.title, value),
                20 | 25 if has_keywords => {}
                20 | 25 if self.keywords.len() < limits::MAX_KEYWORDS => self.keywords.push(value),
                55 => set_first(&mut self.created[0], value),
                60 => set_first(&mut self.created[1], value),
                62 => set_first(&mut self.digitized[0], value),
                63 => set_first(&mut self.digitized[1], value),
                80 if has_artist => {}
                80 => match &mut self.artist {
                    Some(artist)
                        if artist.len() + value.len() < limits::MAX_TEXT_BYTES
                            && !artist.split(", ").any(|known| known == value) =>
                    {
                        artist.push_str(", ");
                        artist.push_str(&value);
                    }
                    artist => set_first(artist, value),
                },
                90 => set_first(&mut self.place.city, value),
                92 => set_first(&mut self.place.sublocation, value),
                95 => set_first(&mut self.place.region, value),
                100 => set_first(&mut self.place.country_code, value),
                101 => set_first(&mut self.place.country, value),
                105 => set_first(&mut self.headline, value),
                110 => set_first(&mut self.credit, value),
                116 => set_first(&mut self.copyright, value),
                _ => {}
            }
        }
        if datasets.is_broken() {
            self.labels.add_gap("IPTC is broken or cut short");
        }
    }

    /// Returns the date and time of creation (datasets 2:55 and 2:60).
    pub(crate) fn created(&self) -> Option<ParsedDateTime> {
        parse_dataset_date(&self.created)
    }

    /// Returns the date and time of digitisation (datasets 2:62 and 2:63).
    pub(crate) fn digitized(&self) -> Option<ParsedDateTime> {
        parse_dataset_date(&self.digitized)
    }
}

fn set_first(slot: &mut Option<String>, value: String) {
    slot.get_or_insert(value);
}

/// Parses the values of two datasets, a date and a time: `20180201` and `094107+0100`. In the date,
/// `00` stands for an unknown month or day (IPTC-IIM 4.2, dataset 2:55).
fn parse_dataset_date([date, time]: &[Option<String>; 2]) -> Option<ParsedDateTime> {
    let date = date.as_deref()?;
    let time = time.as_deref().unwrap_or_default();
    parse_date_time(&format!("{date} {time}"))
}

/// The maximum lengths of texts in IPTC-IIM 4.2, in bytes.
const TEXT_LENGTHS: [usize; 5] = [32, 64, 128, 256, 2_000];

/// The escape sequence of UTF-8 in dataset 1:90.
pub(crate) const UTF8: &[u8] = b"\x1b%G";

/// A dataset, which is one value of an IPTC block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IptcDataset<'a> {
    pub(crate) record: u8,
    pub(crate) number: u8,
    pub(crate) value: &'a [u8],
    /// `true` if an earlier dataset of the block declares UTF-8. Without the declaration, the value
    /// may still be UTF-8.
    is_utf8: bool,
}

impl IptcDataset<'_> {
    /// Decodes a text, which is the value or a part of it. Some programs declare UTF-8 and write
    /// Latin-1. Of a text with the maximum length of its dataset, a last character that was cut is
    /// left out.
    pub(crate) fn decode(&self, text: &[u8]) -> String {
        if !self.is_utf8 {
            return decode_text(text);
        }
        let whole = match std::str::from_utf8(text) {
            // The length of an error is unknown if the text ends within a character.
            Err(error) if error.error_len().is_none() && TEXT_LENGTHS.contains(&text.len()) => {
                text.get(..error.valid_up_to()).unwrap_or_default()
            }
            _ => text,
        };
        decode_mixed_text(whole).into_owned()
    }
}

/// The datasets of an IPTC block, in their order. Ends at a broken dataset, and if the work budget
/// is used up.
pub(crate) struct IptcDatasets<'a> {
    rest: &'a [u8],
    is_utf8: bool,
    budget: &'a WorkBudget,
}

impl<'a> IptcDatasets<'a> {
    pub(crate) fn new(block: &'a [u8], budget: &'a WorkBudget) -> Self {
        IptcDatasets {
            rest: block,
            is_utf8: false,
            budget,
        }
    }

    /// Reports whether a broken dataset ended the iteration. It hides all datasets after it.
    fn is_broken(&self) -> bool {
        // Padding may follow the datasets.
        self.rest.first() == Some(&MARKER) || self.rest.windows(2).any(|pair| pair == [MARKER, 2])
    }
}

impl<'a> Iterator for IptcDatasets<'a> {
    type Item = IptcDataset<'a>;

    fn next(&mut self) -> Option<IptcDataset<'a>> {
        let (record, number, value, rest) = split_dataset(self.rest)?;
        let paid = self
            .budget
            .pay(Work::Datasets, 1)
            .and_then(|()| self.budget.pay(Work::Bytes, value.len() as u64));
        // Datasets that the budget does not pay for are not broken.
        self.rest = if paid.is_some() { rest } else { &[] };
        paid?;
        if (record, number) == (1, 90) {
            self.is_utf8 = value == UTF8;
        }
        Some(IptcDataset {
            record,
            number,
            value,
            is_utf8: self.is_utf8,
        })
    }
}

/// Splits the first dataset off `bytes`. A dataset is one value of an IPTC block. Returns its
/// record number, its dataset number, its value, and the bytes after the dataset. Returns `None` if
/// `bytes` does not begin with a complete dataset.
fn split_dataset(bytes: &[u8]) -> Option<(u8, u8, &[u8], &[u8])> {
    let (&[MARKER, record, dataset, high, low], rest) = bytes.split_first_chunk::<5>()? else {
        return None;
    };
    let short = u16::from_be_bytes([high, low]);
    let (length, rest) = if short & EXTENDED == 0 {
        (usize::from(short), rest)
    } else {
        // The low bits are the number of the bytes that follow and contain the length.
        let width = usize::from(short & !EXTENDED);
        let (length, rest) = rest.split_at_checked(width).filter(|_| width <= 4)?;
        (
            length
                .iter()
                .fold(0_usize, |length, &b| length << 8 | usize::from(b)),
            rest,
        )
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((record, dataset, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::builders::iptc_block;

    #[test]
    fn datasets_are_decoded_in_their_character_set() {
        let mut iptc = IptcRecords::default();
        let datasets: [(u8, u8, &[u8]); 6] = [
            (1, 90, b"\x1b%G"),
            (2, 5, "Zürich".as_bytes()),
            (2, 25, b"a"),
            (2, 25, b"b"),
            (2, 55, b"20180201"),
            (2, 60, b"094107+0100"),
        ];
        iptc.read_block(&iptc_block(&datasets), &WorkBudget::default());
        assert_eq!(iptc.title.as_deref(), Some("Zürich"));
        assert_eq!(iptc.keywords, ["a", "b"]);
        let created = iptc
            .created()
            .map(|w| (w.local.to_string(), w.offset.map(|o| o.to_string())));
        assert_eq!(
            created,
            Some(("2018-02-01T09:41:07".to_owned(), Some("+01:00".to_owned())))
        );
    }

    #[test]
    fn a_second_block_adds_no_authors_and_no_keywords() {
        let mut iptc = IptcRecords::default();
        let budget = WorkBudget::default();
        let first: [(u8, u8, &[u8]); 3] = [(2, 80, b"Anna"), (2, 80, b"Ben"), (2, 25, b"a")];
        let second: [(u8, u8, &[u8]); 3] = [(2, 80, b"Carla"), (2, 25, b"b"), (2, 5, b"Title")];
        iptc.read_block(&iptc_block(&first), &budget);
        iptc.read_block(&iptc_block(&second), &budget);
        assert_eq!(iptc.artist.as_deref(), Some("Anna, Ben"));
        assert_eq!(iptc.keywords, ["a"]);
        assert_eq!(iptc.title.as_deref(), Some("Title"));
    }

    #[test]
    fn text_ends_at_the_first_nul_and_labels_do_not() {
        let mut iptc = IptcRecords::default();
        let datasets: [(u8, u8, &[u8]); 3] = [
            (2, 5, b"Harbour\0\x03abc"),
            (2, 25, b"dawn\0Private"),
            (2, 80, b"Jane Doe\0\xf7\xef"),
        ];
        iptc.read_block(&iptc_block(&datasets), &WorkBudget::default());
        assert_eq!(iptc.title.as_deref(), Some("Harbour"));
        assert_eq!(iptc.artist.as_deref(), Some("Jane Doe"));
        assert_eq!(iptc.keywords, ["dawn"]);
        let labels = format!("{:?}", iptc.labels);
        assert!(labels.contains(r#"["dawn", "Private"]"#), "{labels}");
    }

    #[test]
    fn text_that_is_not_in_the_declared_character_set_is_latin_1() {
        let mut iptc = IptcRecords::default();
        let cut = [&[b'x'; 63][..], b"\xc3"].concat();
        let datasets: [(u8, u8, &[u8]); 5] = [
            (1, 90, b"\x1b%G"),
            (2, 25, b"Priv\xe9"),
            (2, 25, b"\xe9t\xe9 \xc3\xa9t\xc3\xa9"),
            (2, 5, &cut),
            (2, 105, "Zürich".as_bytes()),
        ];
        iptc.read_block(&iptc_block(&datasets), &WorkBudget::default());
        assert_eq!(iptc.keywords, ["Privé", "été été"]);
        assert!(format!("{:?}", iptc.labels).contains("Privé"));
        assert_eq!(iptc.title, Some("x".repeat(63)));
        assert_eq!(iptc.headline.as_deref(), Some("Zürich"));
    }

    #[test]
    fn a_dataset_that_is_longer_than_the_block_ends_it() {
        let mut iptc = IptcRecords::default();
        let budget = WorkBudget::default();
        iptc.read_block(b"\x1c\x02\x05\x00\x09abc", &budget);
        iptc.read_block(
            b"\x1c\x02\x05\x80\x08\xff\xff\xff\xff\xff\xff\xff\xff",
            &budget,
        );
        assert_eq!(iptc.title, None);
    }
}
