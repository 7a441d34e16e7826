//! The names of Leica M lenses by their 6-bit codes. The codes are public facts, from ExifTool's
//! table `Leica LensType`.

/// The lenses by their code alone.
#[rustfmt::skip]
pub(super) static BY_CODE: &[(u32, &str)] = &[
    (1, "Elmarit-M 21mm f/2.8"),
    (3, "Elmarit-M 28mm f/2.8 (III)"),
    (4, "Tele-Elmarit-M 90mm f/2.8 (II)"),
    (5, "Summilux-M 50mm f/1.4 (II)"),
    (6, "Summicron-M 35mm f/2 (IV)"),
    (7, "Summicron-M 90mm f/2 (II)"),
    (9, "Elmarit-M 135mm f/2.8 (I/II)"),
    (11, "Summaron-M 28mm f/5.6"),
    (12, "Thambar-M 90mm f/2.2"),
    (16, "Tri-Elmar-M 16-18-21mm f/4 ASPH."),
    (23, "Summicron-M 50mm f/2 (III)"),
    (24, "Elmarit-M 21mm f/2.8 ASPH."),
    (25, "Elmarit-M 24mm f/2.8 ASPH."),
    (26, "Summicron-M 28mm f/2 ASPH."),
    (27, "Elmarit-M 28mm f/2.8 (IV)"),
    (28, "Elmarit-M 28mm f/2.8 ASPH."),
    (29, "Summilux-M 35mm f/1.4 ASPH."),
    (30, "Summicron-M 35mm f/2 ASPH."),
    (31, "Noctilux-M 50mm f/1"),
    (32, "Summilux-M 50mm f/1.4 ASPH."),
    (33, "Summicron-M 50mm f/2 (IV, V)"),
    (34, "Elmar-M 50mm f/2.8"),
    (35, "Summilux-M 75mm f/1.4"),
    (36, "Apo-Summicron-M 75mm f/2 ASPH."),
    (37, "Apo-Summicron-M 90mm f/2 ASPH."),
    (38, "Elmarit-M 90mm f/2.8"),
    (39, "Macro-Elmar-M 90mm f/4"),
    (41, "Apo-Summicron-M 50mm f/2 ASPH."),
    (42, "Tri-Elmar-M 28-35-50mm f/4 ASPH."),
    (43, "Summarit-M 35mm f/2.5"),
    (44, "Summarit-M 50mm f/2.5"),
    (45, "Summarit-M 75mm f/2.5"),
    (46, "Summarit-M 90mm f/2.5"),
    (47, "Summilux-M 21mm f/1.4 ASPH."),
    (48, "Summilux-M 24mm f/1.4 ASPH."),
    (49, "Noctilux-M 50mm f/0.95 ASPH."),
    (50, "Elmar-M 24mm f/3.8 ASPH."),
    (51, "Super-Elmar-M 21mm f/3.4 Asph"),
    (52, "Apo-Telyt-M 18mm f/3.8 ASPH."),
    (53, "Apo-Telyt-M 135mm f/3.4"),
    (58, "Noctilux-M 75mm f/1.25 ASPH."),
];

/// The lenses whose code does not suffice: 4 times the code, plus the number of the frame
/// lines in the viewfinder.
#[rustfmt::skip]
pub(super) static BY_CODE_AND_FRAME: &[(u32, &str)] = &[
    (24, "Summilux-M 35mm f/1.4"),
    (36, "Apo-Telyt-M 135mm f/3.4"),
    (65, "Tri-Elmar-M 16-18-21mm f/4 ASPH. (at 16mm)"),
    (66, "Tri-Elmar-M 16-18-21mm f/4 ASPH. (at 18mm)"),
    (67, "Tri-Elmar-M 16-18-21mm f/4 ASPH. (at 21mm)"),
    (116, "Summilux-M 35mm f/1.4 ASPHERICAL"),
    (124, "Noctilux-M 50mm f/1.2"),
    (156, "Tele-Elmar-M 135mm f/4 (II)"),
    (167, "Apo-Summicron-M 50mm f/2 ASPH."),
    (169, "Tri-Elmar-M 28-35-50mm f/4 ASPH. (at 28mm)"),
    (170, "Tri-Elmar-M 28-35-50mm f/4 ASPH. (at 35mm)"),
    (171, "Tri-Elmar-M 28-35-50mm f/4 ASPH. (at 50mm)"),
    (206, "Super-Elmar-M 14mm f/3.8 Asph"),
    (214, "Apo-Telyt-M 135mm f/3.4"),
    (215, "Apo-Summicron-M 50mm f/2 (VI)"),
];
