#!/usr/bin/env perl
# Prints the table of XMP namespaces and tag names, crates/photo-metadata/src/xmp_tables.rs, from the
# tables of an installed ExifTool.
#
#     perl -I EXIFTOOL/lib tools/xmp_tag_tables.pl > crates/photo-metadata/src/xmp_tables.rs
#
# EXIFTOOL/lib is the folder that contains Image/ExifTool.pm. The table contains facts only: the URI
# and the prefix of each namespace, ExifTool's group of the namespace, and ExifTool's name of a tag if
# it differs from the name that its path gives. The committed table comes from version 13.59.
use strict;
use warnings;
use Image::ExifTool;
use Image::ExifTool::XMP;

# The namespaces that this program reads and ExifTool has no table for.
my %ours = (Camera => 'http://pix4d.com/camera/1.0/');
# Adobe's defaults have the same tags as its settings.
my %same_as = (crd => 'crs');

my $exiftool = Image::ExifTool->new;
my %uri = (%Image::ExifTool::XMP::nsURI, %ours);
my %group_of = %Image::ExifTool::XMP::stdXlatNS;
my %prefix_of = reverse %group_of;
my $main = Image::ExifTool::GetTagTable('Image::ExifTool::XMP::Main');
# ExifTool finds these tables by the prefix alone.
$uri{$_} //= '' for map { $prefix_of{$_} // $_ }
    grep { ref $$main{$_} eq 'HASH' && $$main{$_}{SubDirectory} } keys %$main;

# Returns the tags of a group: [path, name, type, start, is open, is binary]. The path is the list of the
# properties' names. The start is the text with which the names of a structure's members begin, or
# undefined if the tag is no structure. An open structure may contain properties of any namespace.
sub tags_of {
    my ($group) = @_;
    my $entry = $$main{$group};
    return () unless ref $entry eq 'HASH' && $$entry{SubDirectory};
    my $table = Image::ExifTool::GetTagTable($$entry{SubDirectory}{TagTable});
    Image::ExifTool::XMP::AddFlattenedTags($table);
    my @tags;
    my $add;
    $add = sub {
        my ($id, @path) = @_;
        my $info = $exiftool->GetTagInfo($table, $id) || $$table{$id};
        $info = $$info[0] if ref $info eq 'ARRAY';
        return unless ref $info eq 'HASH';
        my $struct = $$info{Struct};
        my $start = $struct ? $$info{FlatName} // $$info{Name} : undef;
        my $is_open = ref $struct eq 'HASH' && exists $$struct{NAMESPACE} && !defined $$struct{NAMESPACE};
        my $is_binary = $$info{Binary} || ($$info{ValueConv} // '') =~ /^\S+DecodeBase64\(\$val\)$/;
        push @tags, [\@path, $$info{Name}, $$info{Writable} // '', $start, $is_open, $is_binary];
        return unless ref $struct eq 'HASH';
        for my $field (grep { !$Image::ExifTool::XMP::specialStruct{$_} } sort keys %$struct) {
            next if $$struct{$field}{LangCode};
            $add->($id . ucfirst $field, @path, $field);
        }
    };
    for my $id (sort(Image::ExifTool::TagTableKeys($table))) {
        my $info = $$table{$id};
        next if ref $info eq 'HASH' && defined $$info{Flat};
        $add->($id, $id);
    }
    return @tags;
}

# Returns the fields of structures with a name of their own, from the field to the name. A field
# that has other names elsewhere in the group is left out.
sub fields_of {
    my (@tags) = @_;
    my %start = map { join('/', @{$$_[0]}) => $$_[3] } grep { defined $$_[3] } @tags;
    my %names;
    for my $tag (@tags) {
        my ($path, $name, undef, $flat) = @$tag;
        my @parents = @$path;
        my $field = pop @parents;
        my $start = @parents ? $start{join '/', @parents} : undef;
        next unless defined $start;
        for my $whole ($name, $flat // $name) {
            $names{$field}{substr $whole, length $start}++ if index($whole, $start) == 0;
        }
    }
    my %fields;
    for my $field (keys %names) {
        my @best = sort { $names{$field}{$b} <=> $names{$field}{$a} || $a cmp $b } keys %{$names{$field}};
        $fields{$field} = $best[0] if $best[0] ne ucfirst $field;
    }
    return %fields;
}

# Returns the name that the rule of the program gives to a path.
sub name_by_rule {
    my ($fields, $structures, @path) = @_;
    my $last = pop @path;
    return ucfirst $last unless @path;
    my $id = id_of(@path);
    my $start = $$structures{$id} // name_by_rule($fields, $structures, @path);
    return $start . ($$fields{$last} // ucfirst $last);
}

sub id_of {
    my ($first, @rest) = @_;
    return join '', $first, map { ucfirst } @rest;
}

sub rust_list {
    my ($indent, @items) = @_;
    my ($text, $line) = ("&[\n", "$indent    ");
    for my $item (@items) {
        if (length($line) + length($item) > 98 && $line =~ /\S/) {
            $text .= "$line\n";
            $line = "$indent    ";
        }
        $line .= ($line =~ /\S/ ? ' ' : '') . "$item,";
    }
    return "$text$line\n$indent]";
}

sub rust_pairs {
    my ($pairs) = @_;
    return [map { qq[("$_", "$$pairs{$_}")] } sort keys %$pairs];
}

sub rust_strings {
    my ($set) = @_;
    return [map { qq["$_"] } sort keys %$set];
}

sub namespace {
    my ($prefix) = @_;
    my $group = $group_of{$prefix} // $prefix;
    my (%structures, %names, %rationals, %capitals, %open, %binary);
    my @tags = tags_of($group);
    my %fields = fields_of(@tags);
    for my $tag (sort { @{$$a[0]} <=> @{$$b[0]} } grep { defined $$_[3] } @tags) {
        my ($path, undef, undef, $start) = @$tag;
        $structures{id_of(@$path)} = $start if name_by_rule(\%fields, \%structures, @$path) ne $start;
    }
    for my $tag (@tags) {
        my ($path, $name, $type, undef, $is_open, $is_binary) = @$tag;
        my $id = id_of(@$path);
        $open{$id} = 1 if $is_open;
        $binary{$id} = 1 if $is_binary;
        $names{$id} = $name if name_by_rule(\%fields, \%structures, @$path) ne $name;
        $rationals{$id} = 1 if $type eq 'rational';
        $capitals{$id} = 1 if $id !~ /[a-z]/;
    }
    return {
        prefix => $prefix, group => "XMP-$group", uri => $uri{$prefix},
        names => rust_pairs(\%names), structures => rust_pairs(\%structures),
        fields => rust_pairs(\%fields),
        open => rust_strings(\%open), binary => rust_strings(\%binary),
        rationals => rust_strings(\%rationals),
        capitals => rust_strings(\%capitals),
    };
}

my @lists = qw(names structures fields open rationals binary capitals);
my %namespaces = map { $_ => namespace($_) } keys %uri;
for my $prefix (sort keys %same_as) {
    $namespaces{$prefix}{$_} = $namespaces{$same_as{$prefix}}{$_} for @lists;
}
print <<"END";
//! The namespaces of XMP, and the names of XMP tags that differ from their path.
//!
//! `tools/xmp_tag_tables.pl` makes this file from the tables of ExifTool $Image::ExifTool::VERSION.

use super::xmp_names::{NO_TAGS, XmpNamespace};

/// The namespaces, in the order of their prefixes.
#[rustfmt::skip]
pub(crate) static NAMESPACES: &[XmpNamespace] = &[
END
for my $prefix (sort keys %namespaces) {
    my $n = $namespaces{$prefix};
    print qq[    XmpNamespace {\n        uri: "$$n{uri}",\n        prefix: "$prefix", group: "$$n{group}",\n];
    print "        $_: ", rust_list('        ', @{$$n{$_}}), ",\n" for grep { @{$$n{$_}} } @lists;
    print "        ..NO_TAGS\n    },\n";
}
print "];\n";
