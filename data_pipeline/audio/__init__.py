"""Any audio file -> mono float32 at 16 kHz, checked."""
