import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * Runs a third-party server that speaks MongoDB's wire protocol, in memory, on a
 * free loopback port, and prints its connection string. It is not MongoDB: what
 * it cannot show is listed in gaps.md.
 */
public class Standin {
  /**
   * What the server says it is. Its own newest answer is wire version 8, and the
   * Go driver talks to 9 (MongoDB 4.4) and above; nothing else changes by it.
   */
  private record Announced(List<Integer> getVersionArray, int getWireVersion)
      implements MongoVersion {}

  public static void main(String[] args) throws InterruptedException {
    Announced version = new Announced(List.of(4, 4, 0), 9);
    MongoServer server = new MongoServer(new MemoryBackend().version(version));
    server.bind(new InetSocketAddress("127.0.0.1", 0));
    System.out.println("mongodb://127.0.0.1:" + server.getLocalAddress().getPort());
    Thread.currentThread().join();
  }
}
