-- Where the signature binds the body there is no binding, and an entry for every such delivery,
-- again at every change of its row, is paid for nothing.
ALTER TABLE inbox DROP CONSTRAINT inbox_binding_once;
CREATE UNIQUE INDEX inbox_binding_once ON inbox (gateway, binding) WHERE binding IS NOT NULL;
ANALYZE inbox;
