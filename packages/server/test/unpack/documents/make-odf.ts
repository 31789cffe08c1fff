import { Buffer } from 'node:buffer'
import * as crypto from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { decryptBlowfishCfb } from '../../../src/unpack/documents/odf-blowfish.ts'
import { makeZip, type ZipPart } from './make-ooxml.ts'

const MIMETYPE: ZipPart = {
  name: 'mimetype',
  bytes: Buffer.from('application/vnd.oasis.opendocument.text'),
  store: true,
}
const MANIFEST = 'urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'
const SPACES =
  'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:script="urn:oasis:names:tc:opendocument:xmlns:script:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'

export function makeContent(inside: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><office:document-content ${SPACES}>${inside}</office:document-content>`
}

export function makeListener(event: string, href: string): string {
  return `<office:scripts><office:event-listeners><script:event-listener script:language="ooo:script" script:event-name="${event}" xlink:href="${href}"/></office:event-listeners></office:scripts>`
}

export function makeBasic(name: string, source: string): string {
  const text = source.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  return `<?xml version="1.0"?><!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd"><script:module xmlns:script="http://openoffice.org/2000/script" script:name="${name}" script:language="StarBasic">${text}</script:module>`
}

export function makeOdf(parts: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(parts).map(([name, text]) => ({ name, bytes: Buffer.from(text) }))
  const manifest = `<manifest:manifest xmlns:manifest="${MANIFEST}"><manifest:file-entry manifest:full-path="/"/></manifest:manifest>`
  return makeZip([MIMETYPE, ...entries, { name: 'META-INF/manifest.xml', bytes: Buffer.from(manifest) }])
}

export type OdfCipher = 'aes256-cbc' | 'blowfish' | 'aes256-gcm'

/** The package as OpenDocument 1.2 (AES), 1.1 (Blowfish) or LibreOffice 24 (AES-GCM, Argon2id) encrypt it. */
export function makeEncryptedOdf(parts: Readonly<Record<string, string>>, password: string, cipher: OdfCipher): Buffer {
  const sealed = Object.entries(parts).map(([name, text]) => sealPart(name, Buffer.from(text), password, cipher))
  const manifest = `<manifest:manifest xmlns:manifest="${MANIFEST}" xmlns:loext="urn:x">${sealed.map(({ row }) => row).join('')}</manifest:manifest>`
  const entries = sealed.map(({ name, bytes }) => ({ name, bytes, store: true }))
  return makeZip([MIMETYPE, ...entries, { name: 'META-INF/manifest.xml', bytes: Buffer.from(manifest) }])
}

function sealPart(name: string, data: Buffer, password: string, cipher: OdfCipher): ZipPart & { row: string } {
  const packed = deflateRawSync(data)
  const salt = crypto.randomBytes(16)
  if (cipher === 'aes256-gcm') {
    const start = crypto.hash('sha256', password, 'buffer')
    const iv = crypto.randomBytes(12)
    const key = crypto.argon2Sync('argon2id', {
      message: start,
      nonce: salt,
      parallelism: 2,
      tagLength: 32,
      memory: 1024,
      passes: 2,
    })
    const sealer = crypto.createCipheriv('aes-256-gcm', key, iv)
    const bytes = Buffer.concat([iv, sealer.update(packed), sealer.final(), sealer.getAuthTag()])
    const derivation =
      'manifest:key-derivation-name="urn:org:documentfoundation:names:experimental:office:manifest:argon2id" manifest:key-size="32" loext:argon2-iterations="2" loext:argon2-memory="1024" loext:argon2-lanes="2"'
    return {
      name,
      bytes,
      row: row(name, data, {
        algorithm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
        iv,
        salt,
        derivation,
        start: 'sha256',
      }),
    }
  }
  const isAes = cipher === 'aes256-cbc'
  const [hashName, keyBytes] = isAes ? (['sha256', 32] as const) : (['sha1', 16] as const)
  const iv = crypto.randomBytes(isAes ? 16 : 8)
  const key = crypto.pbkdf2Sync(crypto.hash(hashName, password, 'buffer'), salt, 1000, keyBytes, 'sha1')
  const sum = crypto.hash(hashName, packed.subarray(0, 1024), 'base64')
  const checksum = isAes
    ? `manifest:checksum-type="${MANIFEST}#sha256-1k" manifest:checksum="${sum}"`
    : `manifest:checksum-type="SHA1/1K" manifest:checksum="${sum}"`
  const derivation = `manifest:key-derivation-name="PBKDF2" manifest:key-size="${keyBytes}" manifest:iteration-count="1000"`
  const algorithm = isAes ? 'http://www.w3.org/2001/04/xmlenc#aes256-cbc' : 'Blowfish CFB'
  const bytes = isAes ? sealCbc(key, iv, packed) : sealBlowfish(key, iv, packed)
  return { name, bytes, row: row(name, data, { algorithm, iv, salt, derivation, start: hashName, checksum }) }
}

function sealCbc(key: Buffer, iv: Buffer, packed: Buffer): Buffer {
  // The padding's last byte is its length, the others are random (XML Encryption 5.2).
  const padding = crypto.randomBytes(16 - (packed.length % 16))
  padding[padding.length - 1] = padding.length
  const sealer = crypto.createCipheriv('aes-256-cbc', key, iv)
  sealer.setAutoPadding(false)
  return Buffer.concat([sealer.update(packed), sealer.update(padding), sealer.final()])
}

/** Feedback takes the encrypted bytes, so that each block of eight needs the one before it. */
function sealBlowfish(key: Buffer, iv: Buffer, packed: Buffer): Buffer {
  const blocks: Buffer[] = []
  let before = iv
  for (let at = 0; at < packed.length; at += 8) {
    before = decryptBlowfishCfb(key, before, packed.subarray(at, at + 8))
    blocks.push(before)
  }
  return Buffer.concat(blocks)
}

interface Row {
  readonly algorithm: string
  readonly iv: Buffer
  readonly salt: Buffer
  readonly derivation: string
  readonly start: 'sha1' | 'sha256'
  readonly checksum?: string
}

function row(name: string, data: Buffer, { algorithm, iv, salt, derivation, start, checksum }: Row): string {
  const startName = start === 'sha256' ? 'http://www.w3.org/2000/09/xmldsig#sha256' : 'SHA1'
  return `<manifest:file-entry manifest:full-path="${name}" manifest:size="${data.length}"><manifest:encryption-data ${checksum ?? ''}><manifest:algorithm manifest:algorithm-name="${algorithm}" manifest:initialisation-vector="${iv.toString('base64')}"/><manifest:start-key-generation manifest:start-key-generation-name="${startName}" manifest:key-size="${start === 'sha256' ? 32 : 20}"/><manifest:key-derivation ${derivation} manifest:salt="${salt.toString('base64')}"/></manifest:encryption-data></manifest:file-entry>`
}
