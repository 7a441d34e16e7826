//! Compares how long this crate, kamadak-exif alone and nom-exif take to read all fields of a JPEG
//! in memory.
//!
//! `cargo bench -p photo-metadata --bench extract`. The variable `PHOTO_BENCH` names the file.
//! Without it, a small photo is made here.

#![allow(
    clippy::disallowed_methods,
    reason = "a measurement reads its settings and its file"
)]
use std::hint::black_box;

use chrono::NaiveDateTime;
use photo_metadata::{FileContext, extract};

fn main() {
    divan::main();
}

/// Returns the bytes of the file whose path is in the variable `PHOTO_BENCH`. Without this
/// variable, returns a JPEG with 20 tags, as a camera writes them.
fn bench_photo() -> Vec<u8> {
    if let Some(bytes) = std::env::var_os("PHOTO_BENCH").and_then(|path| std::fs::read(path).ok()) {
        return bytes;
    }
    let mut values = Vec::new();
    let mut directory = |start: u32, entries: &[(u16, u16, &[u8])]| {
        let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
        let data = start + 2 + 12 * entries.len() as u32 + 4;
        values.clear();
        for (tag, kind, value) in entries {
            let size = [0, 1, 1, 2, 4, 8][usize::from(*kind)];
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend((value.len() as u32 / size).to_le_bytes());
            if value.len() <= 4 {
                bytes.extend([*value, &[0; 4]].concat().iter().take(4));
            } else {
                bytes.extend((data + values.len() as u32).to_le_bytes());
                values.extend(*value);
            }
        }
        bytes.extend([0; 4]);
        bytes.extend(&values);
        bytes
    };
    let half = &[1, 0, 0, 0, 250, 0, 0, 0][..];
    let date = &b"2018:02:01 09:41:07\0"[..];
    let exif = [
        (0x829a, 5, half),
        (0x829d, 5, half),
        (0x8822, 3, &[2, 0]),
        (0x8827, 3, &[100, 0]),
        (0x9003, 2, date),
        (0x9004, 2, date),
        (0x9204, 5, half),
        (0x9207, 3, &[5, 0]),
        (0x9209, 3, &[16, 0]),
        (0x920a, 5, half),
        (0xa001, 3, &[1, 0]),
        (0xa002, 4, &[0, 8, 0, 0]),
        (0xa003, 4, &[0, 8, 0, 0]),
        (0xa405, 3, &[75, 0]),
        (0xa434, 2, b"NIKKOR Z 24-70mm f/4 S\0"),
    ];
    let at = 8 + directory(
        8,
        &[
            (0x010f, 2, b"NIKON CORPORATION\0"),
            (0x0110, 2, b"NIKON Z 6\0"),
            (0x0112, 3, &[1, 0]),
            (0x0132, 2, date),
            (0x8769, 4, &[0; 4]),
        ],
    )
    .len() as u32;
    let ifd0 = directory(
        8,
        &[
            (0x010f, 2, b"NIKON CORPORATION\0"),
            (0x0110, 2, b"NIKON Z 6\0"),
            (0x0112, 3, &[1, 0]),
            (0x0132, 2, date),
            (0x8769, 4, &at.to_le_bytes()),
        ],
    );
    let tiff = [
        b"Exif\0\0II*\0\x08\0\0\0",
        ifd0.as_slice(),
        &directory(at, &exif),
    ]
    .concat();
    let length = (tiff.len() as u16 + 2).to_be_bytes();
    [
        b"\xff\xd8\xff\xe1",
        &length[..],
        &tiff,
        b"\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\xff\xd9",
    ]
    .concat()
}

/// The start of the XMP of a photo that was developed and edited.
const XMP_HEAD: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000 1.000000, 0000/00/00-00:00:00">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
    xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"
    xmp:ModifyDate="2018-02-01T10:11:12+01:00" xmp:CreateDate="2018-02-01T09:41:07.67" xmp:Rating="4" xmp:Label="Red"
    aux:SerialNumber="1234567" aux:LensInfo="240/10 700/10 40/10 40/10" aux:Lens="24.0-70.0 mm f/4.0"
    photoshop:City="Kyoto" photoshop:DateCreated="2018-02-01T09:41:07.067" tiff:Make="NIKON" tiff:Model="NIKON Z 6"
    exif:ExposureTime="1/250" exif:FNumber="28/10" exif:FocalLength="500/10" exif:GPSLatitude="35,0.5N""#;

/// Returns 30 KB of XMP: settings of Camera Raw as attributes, keywords, a curve, regions with
/// names, texts in two languages, and a history.
fn bench_xmp() -> String {
    let list = |count: usize, item: &dyn Fn(usize) -> String| -> String {
        let items = (0..count).map(|n| format!("\n     <rdf:li>{}</rdf:li>", item(n)));
        items.collect()
    };
    let settings: String = (0..180)
        .map(|n| format!("\n    crs:SettingNumber{n}=\"+{}.{n:02}\"", n % 7))
        .collect();
    let keywords = list(40, &|n| format!("keyword {n}"));
    let curve = list(40, &|n| format!("{n}, {}", 2 * n));
    let regions = list(12, &|n| {
        format!(
            "\n       <rdf:Description mwg-rs:Name=\"Person {n}\" mwg-rs:Type=\"Face\">\n        \
             <mwg-rs:Area stArea:x=\"0.{n}\" stArea:y=\"0.25\" stArea:w=\"0.1\" stArea:h=\"0.2\" \
             stArea:unit=\"normalized\"/>\n       </rdf:Description>\n      "
        )
    });
    let mut packet = format!(
        "{XMP_HEAD}{settings}>\n   <dc:title><rdf:Alt>\
         <rdf:li xml:lang=\"x-default\">A café &amp; a bar</rdf:li>\
         <rdf:li xml:lang=\"fr\">Un café</rdf:li></rdf:Alt></dc:title>\n   \
         <dc:subject>\n    <rdf:Bag>{keywords}\n    </rdf:Bag>\n   </dc:subject>\n   \
         <crs:ToneCurvePV2012>\n    <rdf:Seq>{curve}\n    </rdf:Seq>\n   </crs:ToneCurvePV2012>\n   \
         <mwg-rs:Regions rdf:parseType=\"Resource\">\n    <mwg-rs:RegionList>\n     <rdf:Bag>{regions}\
         \n     </rdf:Bag>\n    </mwg-rs:RegionList>\n   </mwg-rs:Regions>\n   \
         <xmpMM:History>\n    <rdf:Seq>"
    );
    for step in 0.. {
        if packet.len() > 30_000 {
            break;
        }
        packet.push_str(&format!(
            "\n     <rdf:li\n      stEvt:action=\"saved\"\n      \
             stEvt:instanceID=\"xmp.iid:7cb8d4e2-0f3f-4c24-9a1d-00000000{step:04}\"\n      \
             stEvt:when=\"2018-02-01T10:11:12+01:00\"\n      \
             stEvt:softwareAgent=\"Adobe Photoshop Lightroom Classic 12.1 (Macintosh)\"\n      \
             stEvt:changed=\"/metadata\"/>"
        ));
    }
    packet
        + "\n    </rdf:Seq>\n   </xmpMM:History>\n  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>"
}

/// Returns the JPEG of [`bench_photo`] with 30 KB of XMP.
fn bench_photo_with_xmp() -> Vec<u8> {
    let segment = format!("http://ns.adobe.com/xap/1.0/\0{}", bench_xmp());
    let length = (segment.len() as u16 + 2).to_be_bytes();
    let photo = bench_photo();
    let (start, rest) = photo.split_at(2);
    [start, b"\xff\xe1", &length, segment.as_bytes(), rest].concat()
}

/// Measures the extraction of a file.
fn bench_extraction(bencher: divan::Bencher<'_, '_>, bytes: &[u8]) {
    bencher.bench(|| {
        extract(
            black_box(bytes),
            FileContext {
                file_name: String::new(),
                latest_credible_time: NaiveDateTime::MAX,
            },
        )
    });
}

#[divan::bench]
fn photo_metadata_with_xmp(bencher: divan::Bencher<'_, '_>) {
    bench_extraction(bencher, &bench_photo_with_xmp());
}

#[divan::bench]
fn photo_metadata(bencher: divan::Bencher<'_, '_>) {
    bench_extraction(bencher, &bench_photo());
}

#[divan::bench]
fn kamadak_exif_alone(bencher: divan::Bencher<'_, '_>) {
    let bytes = bench_photo();
    bencher.bench(|| {
        let exif = exif::Reader::new()
            .read_from_container(&mut std::io::Cursor::new(black_box(&bytes)))
            .ok();
        exif.map(|exif| {
            exif.fields()
                .map(|field| field.display_value().to_string().len())
                .sum::<usize>()
        })
    });
}

#[divan::bench]
fn nom_exif(bencher: divan::Bencher<'_, '_>) {
    let bytes = bench_photo();
    bencher.bench(|| {
        let source = nom_exif::MediaSource::from_memory(black_box(&bytes).clone()).ok()?;
        nom_exif::MediaParser::new()
            .parse_exif(source)
            .ok()
            .map(|exif| exif.into_iter().count())
    });
}
