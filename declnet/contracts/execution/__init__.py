"""The contracts of fast execution: kernels, engines and what they exchange."""
