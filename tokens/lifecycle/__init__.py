"""What ends, moves or is erased when something above it ends. The only receivers of signals."""
