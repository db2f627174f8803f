-- Runs files by paths from its folder, above it and from the stage's root.
EXECUTE IMMEDIATE FROM './parts/steps.sql';
EXECUTE IMMEDIATE FROM '../deploy/parts/steps.sql';
EXECUTE IMMEDIATE FROM '/deploy/parts/steps.sql';
