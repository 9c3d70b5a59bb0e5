//! Nothing of its own: its tests are what it is for.
