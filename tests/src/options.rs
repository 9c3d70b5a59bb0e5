//! Options of jemalloc's that people set, by which every number must stay what it is.

/// Each as it is written into `_RJEM_MALLOC_CONF`. jemalloc says on stderr what it does not know.
pub const OPTIONS: [&str; 14] = [
    "background_thread:true",
    "percpu_arena:percpu",
    "percpu_arena:phycpu",
    "narenas:1",
    "narenas:512",
    "dirty_decay_ms:0,muzzy_decay_ms:0",
    "dirty_decay_ms:-1,muzzy_decay_ms:-1",
    "tcache:false",
    "lg_tcache_max:8",
    "retain:false",
    "thp:always,metadata_thp:always",
    "junk:true",
    "zero:true",
    "background_thread:true,percpu_arena:percpu,dirty_decay_ms:0,tcache:false",
];

/// The variables that jemalloc reads them from: the second where it serves C's `malloc` too, else it is another's.
pub const VARIABLES: [&str; 2] = ["_RJEM_MALLOC_CONF", "MALLOC_CONF"];
