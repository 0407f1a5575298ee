"""Words and a picture's latents -> how well one shows the other."""
