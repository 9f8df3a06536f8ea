"""Live Action Unit and expression scores from any camera."""
