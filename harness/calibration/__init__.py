"""How exact the instrument is on this machine: `bench calibrate`."""
