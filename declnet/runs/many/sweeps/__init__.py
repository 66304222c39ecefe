"""The points of the section `[sweep]` of a spec: trained, recorded and ranked."""
