//! The term index: it finds the photos of a keyword, a place, a rating or a word, and counts them.
//! Pure.
//!
//! Publish builds the index of a month together with the files of the month, from the public view
//! of its photos. So nothing that the public view hides is in the index. The publish table stores
//! it in parts ([`IndexPart`]). The gallery evaluates a query ([`IndexQuery`]) over the parts of
//! all months.
//!
//! A photo has *terms*: short texts such as its camera, its keywords and the words of its title. A
//! part has a row for each photo, in the order of the index by-date, and for each term the rows
//! that have it. See [`Term`] for the kinds of terms.

mod album_query;
mod part;
mod photo_terms;
mod query;
mod text_list;
mod time_bound;
mod words;

pub use part::{IndexPart, IndexPartBuilder, IndexRow, IndexedPhoto, InvalidIndexPart};
pub use photo_terms::{
    HierarchyNode, KEYWORD_KINDS, PLACE_KINDS, Term, TermKind, keyword_nodes, photo_terms,
    photo_words, place_nodes,
};
pub use query::{Area, IndexQuery, SortRange, TermFilter};
pub use time_bound::TimeBound;
pub use words::{MAX_WORD_BYTES, split_words};
