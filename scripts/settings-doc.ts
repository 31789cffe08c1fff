import { writeFileSync } from 'node:fs'
import { settingsDocument } from '../packages/server/src/settings/document.ts'

// A test says when docs/settings.md is not what this writes.
writeFileSync(new URL('../docs/settings.md', import.meta.url), settingsDocument())
