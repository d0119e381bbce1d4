"""Engines that encode many times faster than the tokenizers library, and the proof that their ids are the library's."""
