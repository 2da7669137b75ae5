/** The header in front of frames from and to devices with IFF_VNET_HDR: linux/virtio_net.h. */
import { struct, u16, u8 } from '../lib/struct.js';

export const VIRTIO_NET_HDR_F_NEEDS_CSUM = 0x1;
export const VIRTIO_NET_HDR_F_DATA_VALID = 0x2;
export const VIRTIO_NET_HDR_F_RSC_INFO = 0x4;
export const VIRTIO_NET_HDR_GSO_NONE = 0x0;
export const VIRTIO_NET_HDR_GSO_TCPV4 = 0x1;
export const VIRTIO_NET_HDR_GSO_UDP = 0x3;
export const VIRTIO_NET_HDR_GSO_TCPV6 = 0x4;
export const VIRTIO_NET_HDR_GSO_ECN = 0x80;
/** Little endian, as in version 1 of the standard, and on this machine in every version. */
export const virtio_net_hdr = struct({
  flags: u8,
  gso_type: u8,
  hdr_len: u16,
  gso_size: u16,
  csum_start: u16,
  csum_offset: u16,
});
