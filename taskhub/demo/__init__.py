"""An example organisation at work, on a clock that runs faster: what ``taskhub demo`` shows."""
