using System.Buffers;

namespace MailGrains.Protocols.Tests.Wire;

/// <summary>Counts the buffers that are out.</summary>
public sealed class CountingMemoryPool : MemoryPool<byte>
{
    private int _rented;

    public int Rented => _rented;

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        Interlocked.Increment(ref _rented);
        return new Owner(this, Shared.Rent(minBufferSize));
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Owner(CountingMemoryPool pool, IMemoryOwner<byte> inner) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory => inner.Memory;

        public void Dispose()
        {
            Interlocked.Decrement(ref pool._rented);
            inner.Dispose();
        }
    }
}
