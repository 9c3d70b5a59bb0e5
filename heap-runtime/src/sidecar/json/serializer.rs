//! serde's side of the writer.
//!
//! Ours, because there is no `null` in a sidecar, and because `serde_json` implements `PartialEq` between
//! its values and std's types: where it is linked, `assert_eq!(&v[..], &[])` in somebody's test no longer
//! says what the type is. So it is in no tracked test.

use std::fmt;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::document::Document;
use super::writer::Mark;

/// Why a value is not written.
#[derive(Debug)]
pub(super) enum Error {
    /// It is none, or a number that JSON has no text for: what it is the value of is left out.
    Absent,
    /// A type says so of itself.
    Custom(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there is no value"),
            Self::Custom(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

type Result<T = (), E = Error> = std::result::Result<T, E>;

/// An array or an object that has been begun.
pub(super) struct Begun<'d, 'a>(&'d mut Document<'a>);

impl<'d, 'a> Serializer for &'d mut Document<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Begun<'d, 'a>;
    type SerializeTuple = Begun<'d, 'a>;
    type SerializeTupleStruct = Begun<'d, 'a>;
    type SerializeTupleVariant = Begun<'d, 'a>;
    type SerializeMap = Begun<'d, 'a>;
    type SerializeStruct = Begun<'d, 'a>;
    type SerializeStructVariant = Begun<'d, 'a>;

    fn serialize_bool(self, value: bool) -> Result {
        self.writer.bool(value);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result {
        self.writer.signed(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result {
        self.writer.unsigned(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result {
        if !value.is_finite() {
            return Err(Error::Absent);
        }
        self.writer.float(value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result {
        self.writer.string(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result {
        Err(Error::Absent)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        Err(Error::Absent)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result {
        Err(Error::Absent)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        self.begin_variant(variant);
        value.serialize(&mut *self)?;
        self.end_variant();
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Begun<'d, 'a>> {
        self.writer.begin_array();
        Ok(Begun(self))
    }

    fn serialize_tuple(self, _length: usize) -> Result<Begun<'d, 'a>> {
        self.writer.begin_array();
        Ok(Begun(self))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Begun<'d, 'a>> {
        self.writer.begin_array();
        Ok(Begun(self))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Begun<'d, 'a>> {
        self.begin_variant(variant);
        self.writer.begin_array();
        Ok(Begun(self))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Begun<'d, 'a>> {
        self.begin_object();
        Ok(Begun(self))
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Begun<'d, 'a>> {
        self.begin_object();
        Ok(Begun(self))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Begun<'d, 'a>> {
        self.begin_variant(variant);
        self.begin_object();
        Ok(Begun(self))
    }
}

impl Document<'_> {
    /// A value in an array, or behind a key, which begins at `mark`.
    fn value<T: ?Sized + Serialize>(&mut self, mark: &Mark, value: &T) -> Result {
        match value.serialize(&mut *self) {
            Ok(()) => {
                self.writer.has_value();
                Ok(())
            }
            Err(Error::Absent) => {
                self.writer.back_to(mark);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result {
        let mark = self.writer.begin_element();
        self.value(&mark, value)
    }

    fn member<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result {
        let mark = self.writer.begin_key();
        self.writer.string(key);
        self.writer.end_key();
        self.begin_member(key);
        self.value(&mark, value)
    }

    /// A key of a map: a text, or what can be one.
    fn key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result {
        let start = self.writer.text.len();
        key.serialize(&mut *self)?;
        match self.writer.text[start] {
            b'"' => {}
            b'{' | b'[' => return Err(Error::custom("a key is a text or a number")),
            _ => {
                self.writer.text.insert(start, b'"');
                self.writer.text.push(b'"');
            }
        }
        self.writer.end_key();
        Ok(())
    }

    /// An enum's variant that has values: an object with one key, its name.
    fn begin_variant(&mut self, variant: &'static str) {
        self.begin_object();
        self.writer.begin_key();
        self.writer.string(variant);
        self.writer.end_key();
    }

    fn end_variant(&mut self) {
        self.writer.has_value();
        self.writer.end_object();
    }
}

impl SerializeSeq for Begun<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result {
        self.0.element(value)
    }

    fn end(self) -> Result {
        self.0.writer.end_array();
        Ok(())
    }
}

impl SerializeTuple for Begun<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result {
        self.0.element(value)
    }

    fn end(self) -> Result {
        SerializeSeq::end(self)
    }
}

impl SerializeTupleStruct for Begun<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result {
        self.0.element(value)
    }

    fn end(self) -> Result {
        SerializeSeq::end(self)
    }
}

impl SerializeTupleVariant for Begun<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result {
        self.0.element(value)
    }

    fn end(self) -> Result {
        self.0.writer.end_array();
        self.0.end_variant();
        Ok(())
    }
}

impl SerializeMap for Begun<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result {
        self.0.writer.begin_key();
        self.0.key(key)
    }

    /// Of a key that is written already, there has to be a value.
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result {
        value.serialize(&mut *self.0)?;
        self.0.writer.has_value();
        Ok(())
    }

    fn serialize_entry<K: ?Sized + Serialize, V: ?Sized + Serialize>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result {
        let mark = self.0.writer.begin_key();
        self.0.key(key)?;
        self.0.value(&mark, value)
    }

    fn end(self) -> Result {
        self.0.writer.end_object();
        Ok(())
    }
}

impl SerializeStruct for Begun<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result {
        self.0.member(key, value)
    }

    fn end(self) -> Result {
        self.0.writer.end_object();
        Ok(())
    }
}

impl SerializeStructVariant for Begun<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result {
        self.0.member(key, value)
    }

    fn end(self) -> Result {
        self.0.writer.end_object();
        self.0.end_variant();
        Ok(())
    }
}
